"""What goes into the API and comes out of it: pydantic models, from which the OpenAPI document is made.

Ids are UUIDs, moments ISO 8601 with their offset, sums of money texts beside a currency. What comes in is
read strictly: a field that is not known is a mistake, and no text is taken for a number.
"""
