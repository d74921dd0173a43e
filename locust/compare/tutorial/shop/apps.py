from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "shop"
    label = "coupons"  # so its tables are called as the product's, and are read by the same door
