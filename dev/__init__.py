"""The launcher: everything between a bare machine and a running, proven Clinic Web.

It needs nothing but Python 3.11 and its standard library, because it runs before anything is
installed. `python3 -m dev help` lists the commands; the Makefile gives them short names.
It never imports the program: it makes the environment, brings up servers and starts processes.
"""
