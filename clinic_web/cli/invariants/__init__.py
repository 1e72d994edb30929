"""What must be true of everything that is written, whatever was killed, frozen or sent twice, as SQL.

Each file is a subject; ``running`` looks at all of them in one moment, ``commands`` says what came of it.
"""
