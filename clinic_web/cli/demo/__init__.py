"""The demo centre: North Garden Medical Centre, with a past month and a working day under way.

Everything that happens today is done through the same services that the desk and the doctors use, at a clock
that is moved through the morning; the past month is loaded like an import.
"""
