"""The contract's shapes of people. The released app says `client` for a customer."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_noop as _
from rest_framework import serializers

from accounts.models import Session, User
from common.rest import PageSerializer, PhoneField

ROLE_OF_TYPE = {"client": User.Role.CUSTOMER, "owner": User.Role.OWNER}
TYPE_OF_ROLE = {
    User.Role.CUSTOMER: "client",
    User.Role.OWNER: "owner",
    User.Role.STAFF: "staff",
}


class UserSerializer(serializers.ModelSerializer[User]):
    user_type = serializers.SerializerMethodField()
    phone_verified = serializers.BooleanField(source="is_phone_verified", read_only=True)

    class Meta:
        model = User
        fields = [
            "id",
            "full_name",
            "email",
            "phone",
            "phone_verified",
            "user_type",
            "language",
            "created_at",
        ]

    def get_user_type(self, user: User) -> str:
        return TYPE_OF_ROLE[User.Role(user.role)]


class RegisterSerializer(serializers.Serializer[Any]):
    full_name = serializers.CharField(max_length=150)
    email = serializers.EmailField(max_length=254)
    phone = PhoneField(max_length=30)
    password = serializers.CharField(max_length=128, trim_whitespace=False)
    user_type = serializers.ChoiceField(choices=list(ROLE_OF_TYPE), default="client")


class LoginSerializer(serializers.Serializer[Any]):
    email = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=128, trim_whitespace=False)


class CodeSerializer(serializers.Serializer[Any]):
    """The six digits of an SMS."""

    code = serializers.RegexField(
        r"^\s*[0-9]{6}\s*$", max_length=20, error_messages={"invalid": _("A code has six digits.")}
    )

    def validate_code(self, value: str) -> str:
        return value.strip()


class AskResetSerializer(serializers.Serializer[Any]):
    phone = PhoneField(max_length=30)


class ResetSerializer(AskResetSerializer, CodeSerializer):
    password = serializers.CharField(max_length=128, trim_whitespace=False)


class NewPasswordSerializer(serializers.Serializer[Any]):
    old_password = serializers.CharField(max_length=128, trim_whitespace=False)
    password = serializers.CharField(max_length=128, trim_whitespace=False)


class AskChangePhoneSerializer(AskResetSerializer):
    password = serializers.CharField(max_length=128, trim_whitespace=False)


class DeleteAccountSerializer(serializers.Serializer[Any]):
    password = serializers.CharField(max_length=128, trim_whitespace=False)
    give_up_service = serializers.BooleanField(default=False)


class SessionSerializer(serializers.ModelSerializer[Session]):
    expires_at = serializers.DateTimeField(source="token.expiry")
    is_current = serializers.SerializerMethodField()

    class Meta:
        model = Session
        fields = ["id", "device", "begun_at", "expires_at", "is_current"]

    def get_is_current(self, session: Session) -> bool:
        return bool(session.token_id == self.context["current"])


class SessionsSerializer(PageSerializer):
    sessions = SessionSerializer(many=True)


class ProfileSerializer(serializers.Serializer[Any]):
    full_name = serializers.CharField(max_length=150, required=False)
    email = serializers.EmailField(max_length=254, required=False)
    phone = PhoneField(max_length=30, required=False)
    language = serializers.ChoiceField(choices=User.Language.choices, required=False)


class UserReplySerializer(serializers.Serializer[Any]):
    user = UserSerializer()


class SignedInSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()
    user = UserSerializer()
