"""Interop: other systems. The JSON API ``/api/v1`` with its OpenAPI document, by tokens of integrations.

Owns schema ``interop``. Publishes nothing; hears nothing.
"""
