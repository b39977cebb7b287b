"""What happens to the data: pure functions that know no orchestrator."""
