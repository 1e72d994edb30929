"""Organization: tenants, facilities, departments, clinics, rooms, staff, services and working hours.

Owns schema ``organization``. Publishes LeaveAdded and LeaveRemoved, listens to nothing. What it holds changes
rarely and is read on every screen, so ``api.directory`` keeps it in the process, by generation.
"""
