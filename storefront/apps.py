"""What customers and owners see across apps."""

from django.apps import AppConfig


class StorefrontConfig(AppConfig):
    name = "storefront"
