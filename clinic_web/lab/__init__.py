"""Lab: slots of tests and how many fit into them, specimens collected, results.

Owns schema ``lab``. Publishes LabScheduled, LabSchedulingFailed, LabReleased, LabRescheduled, LabResultReady;
hears orders (hold a slot, undo).
"""
