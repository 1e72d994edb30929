"""The front door of the portal: what a letter to a patient says."""

from __future__ import annotations

from clinic_web.portal.letters import InvitationLetter, invitation_letter

__all__ = ["InvitationLetter", "invitation_letter"]
