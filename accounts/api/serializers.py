"""The contract's shapes of people. The released app says `client` for a customer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.models import User
from common import phone as phones

ROLE_OF_TYPE = {"client": User.Role.CUSTOMER, "owner": User.Role.OWNER}
TYPE_OF_ROLE = {
    User.Role.CUSTOMER: "client",
    User.Role.OWNER: "owner",
    User.Role.STAFF: "staff",
}


class UserSerializer(serializers.ModelSerializer[User]):
    user_type = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ["id", "full_name", "email", "phone", "user_type", "language", "created_at"]

    def get_user_type(self, user: User) -> str:
        return TYPE_OF_ROLE[User.Role(user.role)]


class RegisterSerializer(serializers.Serializer[Any]):
    full_name = serializers.CharField(max_length=150)
    email = serializers.EmailField(max_length=254)
    phone = serializers.CharField(max_length=30)
    password = serializers.CharField(max_length=128, trim_whitespace=False)
    user_type = serializers.ChoiceField(choices=list(ROLE_OF_TYPE), default="client")

    def validate_phone(self, value: str) -> str:
        return phones.parse(value)


class LoginSerializer(serializers.Serializer[Any]):
    email = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=128, trim_whitespace=False)


class ProfileSerializer(serializers.Serializer[Any]):
    full_name = serializers.CharField(max_length=150, required=False)
    email = serializers.EmailField(max_length=254, required=False)
    phone = serializers.CharField(max_length=30, required=False)
    language = serializers.ChoiceField(choices=User.Language.choices, required=False)

    def validate_phone(self, value: str) -> str:
        return phones.parse(value)


class UserReplySerializer(serializers.Serializer[Any]):
    user = UserSerializer()


class SignedInSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()
    user = UserSerializer()
