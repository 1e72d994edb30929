"""The front door of the portal: what a letter to a patient says, and whose records somebody may see."""

from __future__ import annotations

from clinic_web.portal.access import Own, own_patient
from clinic_web.portal.letters import InvitationLetter, invitation_letter

__all__ = ["InvitationLetter", "Own", "invitation_letter", "own_patient"]
