"""Customers' files -> what a Prefect server holds: block types, blocks, pools, limits, deployments, automations.

    infra/customers/*.yaml -> wanted.py: what should be there -> server.py: what is there -> plan.py: the difference

Applying a plan twice changes nothing the second time; what left the folder goes only when it is asked for.
"""

from __future__ import annotations

from infra.deploy.plan import Change, Plan, planned
from infra.deploy.server import Server, ServerError
from infra.deploy.wanted import Thing, wanted

__all__ = ["Change", "Plan", "Server", "ServerError", "Thing", "planned", "wanted"]
