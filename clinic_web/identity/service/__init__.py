"""The use cases of identity, by subject: signing in, sessions, people, rights."""
