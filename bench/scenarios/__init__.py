"""One module per figure; each has ``run(world) -> list[Figure]``."""
