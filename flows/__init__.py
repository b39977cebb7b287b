"""What a person starts: one file, one flow, read from top to bottom."""

import os

# Prefect reads these at import. The temporary server that runs a flow where none is set up takes up to
# 20 s to start on a busy machine; nothing of ours reports to anybody; and what the steps say belongs to the run's log.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "90")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", "partsight")
