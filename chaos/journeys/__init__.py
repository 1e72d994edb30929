"""What people do, one journey a saga: each module has ``prepare(world)`` and what ``go`` does with one."""
