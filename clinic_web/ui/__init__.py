"""The web shell all modules share: permissions on routes, pages and fragments, errors, sockets, navigation.

Owns no schema and no page of its own. What it needs from modules above it (who is asking, where they work) it
declares as ports that ``app`` binds.
"""
