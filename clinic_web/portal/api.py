"""The front door of the portal: whose records somebody may see, what a letter says, the way in."""

from __future__ import annotations

from clinic_web.portal.access import Own, own_patient
from clinic_web.portal.door import lead_to_door
from clinic_web.portal.letters import InvitationLetter, invitation_letter

__all__ = ["InvitationLetter", "Own", "invitation_letter", "lead_to_door", "own_patient"]
