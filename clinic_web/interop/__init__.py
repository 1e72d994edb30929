"""Interop: other systems. The JSON API ``/api/v1`` with its OpenAPI document, by tokens of integrations.

Owns schema ``interop``. Publishes nothing; hears nothing. ``endpoint.py`` is what every address of the API is
made of, ``shapes`` what goes in and out, ``resources`` the addresses, ``document.py`` the document made of
all that.
"""
