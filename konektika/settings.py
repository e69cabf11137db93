"""Every setting, grouped as in `.env.example`; each variable is read once, here."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.templatetags.static import static
from django.urls import reverse_lazy

from konektika.environment import read_environment
from konektika.sidebar import for_each_role

BASE_DIR = Path(__file__).resolve().parent.parent
env = read_environment(BASE_DIR / os.environ.get("DOTENV", ".env"))
ENVIRONMENT_PROBLEMS = env.problems  # told by konektika.checks

# --- The server ---
SECRET_KEY = env.required(
    "SECRET_KEY", "missing", "Set it to 50 random characters; `make run` writes one to .env."
)
DEBUG = env.boolean("DEBUG", False)
ALLOWED_HOSTS = env.items("ALLOWED_HOSTS", "127.0.0.1,localhost")
PORT = env.integer("PORT", 8000, minimum=1)
PUBLIC_URL = env.url("PUBLIC_URL", f"http://127.0.0.1:{PORT}")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CSRF_FAILURE_VIEW = "common.rest.csrf_failure"
REDIS_URL = env.text("REDIS_URL", "redis://127.0.0.1:6379/0")
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
FIELD_ENCRYPTION_KEYS = env.items("FIELD_ENCRYPTION_KEYS")
BUSINESS_TIME_ZONE = env.text("BUSINESS_TIME_ZONE", "Africa/Dar_es_Salaam")
DISBURSEMENT_TILLS = env.pairs("DISBURSEMENT_TILLS")  # account on statements -> provider
METRICS_SOURCES = env.networks("METRICS_SOURCES", "127.0.0.1/32,::1/128")
PAYMENT_TIMEOUT_MINUTES = env.integer("PAYMENT_TIMEOUT_MINUTES", 10, minimum=1)
TOKEN_DAYS = env.integer("TOKEN_DAYS", 7, minimum=1)
WEBHOOK_TOKENS = env.pairs("WEBHOOK_TOKENS")  # secret path segment -> dialect

DATABASES = {
    "default": env.database("DATABASE_URL", f"sqlite:///{BASE_DIR / 'var/konektika.sqlite3'}")
}
_database = DATABASES["default"]
if _database["ENGINE"] == "django.db.backends.mysql":
    _database["CONN_MAX_AGE"] = 60
    _database["CONN_HEALTH_CHECKS"] = True
    _database["OPTIONS"] = {
        "charset": "utf8mb4",
        "isolation_level": "read committed",
        "init_command": "SET sql_mode='STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'",
        "connect_timeout": 5,
        "read_timeout": 30,
        "write_timeout": 30,
        **_database.get("OPTIONS", {}),
    }
else:
    # IMMEDIATE: a write transaction takes its lock at the start, where waiting is safe.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Seeds of rows that staff edit from then on ---
BUNDLE_PRICE_MIN = env.integer("BUNDLE_PRICE_MIN", 1000)
BUNDLE_PRICE_MAX = env.integer("BUNDLE_PRICE_MAX", 50000)
PLATFORM_COMMISSION_PERCENT = env.integer("PLATFORM_COMMISSION_PERCENT", 10)
TAX_PERCENT = env.integer("TAX_PERCENT", 0)
FOUR_EYES_ABOVE = env.integer("FOUR_EYES_ABOVE", 50000)
REFUND_WINDOW_DAYS = env.integer("REFUND_WINDOW_DAYS", 3)


# --- What every provider's connection has ---
def _connection(prefix: str) -> dict[str, Any]:
    return {
        "enabled": env.boolean(f"{prefix}_ENABLED", True),
        "amount_min": env.integer(f"{prefix}_AMOUNT_MIN", 1, minimum=1),
        "amount_max": env.integer(f"{prefix}_AMOUNT_MAX", 3_000_000, minimum=1),
        "rate_per_second": env.integer(f"{prefix}_RATE_PER_SECOND", 20),
        "http": {
            "proxy": env.url(f"{prefix}_PROXY"),
            "ca_bundle": env.text(f"{prefix}_CA_BUNDLE"),
            "client_cert": env.text(f"{prefix}_CLIENT_CERT"),
            "client_key": env.text(f"{prefix}_CLIENT_KEY"),
        },
    }


MPESA_CONNECTION = _connection("MPESA")
TIGO_PESA_CONNECTION = _connection("TIGO_PESA")
AIRTEL_CONNECTION = _connection("AIRTEL")

# --- M-Pesa, Daraja dialect ---
MPESA_CONSUMER_KEY = env.text("MPESA_CONSUMER_KEY")
MPESA_CONSUMER_SECRET = env.text("MPESA_CONSUMER_SECRET")
MPESA_BUSINESS_SHORTCODE = env.text("MPESA_BUSINESS_SHORTCODE")
MPESA_PASSKEY = env.text("MPESA_PASSKEY")
MPESA_CALLBACK_URL = env.url("MPESA_CALLBACK_URL", f"{PUBLIC_URL}/api/webhooks/mpesa")
MPESA_BASE_URL = env.url("MPESA_BASE_URL")
MPESA_TRANSACTION_TYPE = env.choice(
    "MPESA_TRANSACTION_TYPE",
    "CustomerPayBillOnline",
    ("CustomerPayBillOnline", "CustomerBuyGoodsOnline"),
)
MPESA_TILL_NUMBER = env.text("MPESA_TILL_NUMBER")
MPESA_INITIATOR_NAME = env.text("MPESA_INITIATOR_NAME")
MPESA_INITIATOR_PASSWORD = env.text("MPESA_INITIATOR_PASSWORD")
MPESA_CERTIFICATE = env.text("MPESA_CERTIFICATE")
MPESA_RESULT_URL = env.url("MPESA_RESULT_URL", f"{PUBLIC_URL}/api/webhooks/mpesa")
MPESA_CALLBACK_SOURCES = env.networks("MPESA_CALLBACK_SOURCES")
MPESA_DIALECT = env.choice("MPESA_DIALECT", "", ("daraja", "openapi"))

# --- M-Pesa, Open API dialect ---
MPESA_OPENAPI_API_KEY = env.text("MPESA_OPENAPI_API_KEY")
MPESA_OPENAPI_PUBLIC_KEY = env.text("MPESA_OPENAPI_PUBLIC_KEY")
MPESA_OPENAPI_SERVICE_PROVIDER_CODE = env.text("MPESA_OPENAPI_SERVICE_PROVIDER_CODE")
MPESA_OPENAPI_BASE_URL = env.url("MPESA_OPENAPI_BASE_URL", "https://openapi.m-pesa.com")
MPESA_OPENAPI_ENV = env.choice("MPESA_OPENAPI_ENV", "sandbox", ("sandbox", "openapi"))
MPESA_OPENAPI_MARKET = env.text("MPESA_OPENAPI_MARKET", "vodacomTZN")
MPESA_OPENAPI_ORIGIN = env.text("MPESA_OPENAPI_ORIGIN", "*")
MPESA_OPENAPI_MODE = env.choice("MPESA_OPENAPI_MODE", "sync", ("sync", "async"))
MPESA_OPENAPI_SESSION_DELAY_SECONDS = env.integer("MPESA_OPENAPI_SESSION_DELAY_SECONDS", 30)
MPESA_OPENAPI_SESSION_SECONDS = env.integer("MPESA_OPENAPI_SESSION_SECONDS", 3000, minimum=1)

# --- Tigo Pesa ---
TIGO_PESA_API_KEY = env.text("TIGO_PESA_API_KEY")
TIGO_PESA_SECRET = env.text("TIGO_PESA_SECRET")
TIGO_PESA_CALLBACK_URL = env.url("TIGO_PESA_CALLBACK_URL", f"{PUBLIC_URL}/api/webhooks/tigo-pesa")
TIGO_PESA_BASE_URL = env.url("TIGO_PESA_BASE_URL")
TIGO_PESA_TOKEN_PATH = env.text("TIGO_PESA_TOKEN_PATH", "/token")
TIGO_PESA_PUSH_PATH = env.text("TIGO_PESA_PUSH_PATH", "/API/BillerPayment/BillerPay")
TIGO_PESA_BILLER_MSISDN = env.text("TIGO_PESA_BILLER_MSISDN")
TIGO_PESA_BILLER_CODE = env.text("TIGO_PESA_BILLER_CODE")
TIGO_PESA_CALLBACK_SOURCES = env.networks("TIGO_PESA_CALLBACK_SOURCES")
TIGO_PESA_REPLY_FAMILY = env.choice("TIGO_PESA_REPLY_FAMILY", "18", ("18", "30"))
TIGO_PESA_DISBURSE_URL = env.url("TIGO_PESA_DISBURSE_URL")
TIGO_PESA_DISBURSE_MSISDN = env.text("TIGO_PESA_DISBURSE_MSISDN")
TIGO_PESA_DISBURSE_PIN = env.text("TIGO_PESA_DISBURSE_PIN")
TIGO_PESA_DISBURSE_BRAND_ID = env.text("TIGO_PESA_DISBURSE_BRAND_ID")
TIGO_PESA_DISBURSE_TYPE = env.text("TIGO_PESA_DISBURSE_TYPE", "REQMFICI")
TIGO_PESA_COMPANY_NAME = env.text("TIGO_PESA_COMPANY_NAME")

# --- Airtel Money ---
AIRTEL_CLIENT_ID = env.text("AIRTEL_CLIENT_ID")
AIRTEL_CLIENT_SECRET = env.text("AIRTEL_CLIENT_SECRET")
AIRTEL_CALLBACK_URL = env.url("AIRTEL_CALLBACK_URL", f"{PUBLIC_URL}/api/webhooks/airtel-money")
AIRTEL_BASE_URL = env.url("AIRTEL_BASE_URL")
AIRTEL_COUNTRY = env.text("AIRTEL_COUNTRY", "TZ")
AIRTEL_CURRENCY = env.text("AIRTEL_CURRENCY", "TZS")
AIRTEL_CALLBACK_KEY = env.text("AIRTEL_CALLBACK_KEY")
AIRTEL_HASH_FORM = env.choice("AIRTEL_HASH_FORM", "auto", ("auto", "transaction", "wrapped", "raw"))
AIRTEL_CALLBACK_SOURCES = env.networks("AIRTEL_CALLBACK_SOURCES")
AIRTEL_COLLECTION_VERSION = env.choice("AIRTEL_COLLECTION_VERSION", "1", ("1", "2"))
AIRTEL_DISBURSEMENT_VERSION = env.choice("AIRTEL_DISBURSEMENT_VERSION", "2", ("1", "2", "3"))
AIRTEL_DISBURSEMENT_PIN = env.text("AIRTEL_DISBURSEMENT_PIN")
AIRTEL_PUBLIC_KEY = env.text("AIRTEL_PUBLIC_KEY")
AIRTEL_PIN_PADDING = env.choice("AIRTEL_PIN_PADDING", "", ("pkcs1", "oaep-sha1", "oaep-sha256"))
AIRTEL_MESSAGE_SIGNING = env.boolean("AIRTEL_MESSAGE_SIGNING", False)

# --- Messages ---
SMS_CHANNEL = env.choice("SMS_CHANNEL", "console", ("console", "beem", "africastalking"))
BEEM_API_KEY = env.text("BEEM_API_KEY")
BEEM_SECRET_KEY = env.text("BEEM_SECRET_KEY")
BEEM_SENDER = env.text("BEEM_SENDER")
BEEM_BASE_URL = env.url("BEEM_BASE_URL", "https://apisms.beem.africa")
AFRICASTALKING_USERNAME = env.text("AFRICASTALKING_USERNAME")
AFRICASTALKING_API_KEY = env.text("AFRICASTALKING_API_KEY")
AFRICASTALKING_SENDER = env.text("AFRICASTALKING_SENDER")
AFRICASTALKING_BASE_URL = env.url("AFRICASTALKING_BASE_URL", "https://api.africastalking.com")
_email = env.email("EMAIL_URL", "consolemail://")
vars().update(_email)
EMAIL_TIMEOUT = 30
_mailbox = _email["EMAIL_HOST_USER"] or ""
DEFAULT_FROM_EMAIL = _mailbox if "@" in _mailbox else f"konektika@{urlsplit(PUBLIC_URL).hostname}"

# --- The VPN ---
VPN_ENDPOINT = env.text("VPN_ENDPOINT", "127.0.0.1:51820")
VPN_RANGE4 = env.text("VPN_RANGE4", "10.8.0.0/16")
VPN_RANGE6 = env.text("VPN_RANGE6")
VPN_DNS = env.text("VPN_DNS")

# --- Django ---
INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "django_celery_beat",
    "konektika",
    "backoffice",
    "storefront",
    "vpn",
    "bundles",
    "payments",
    "accounts",
    "notifications",
    "cases",
]
MIDDLEWARE = [
    "payments.middleware.providers_first",
    "bundles.middleware.app_first",
    "accounts.middleware.forget_language",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "backoffice.middleware.business_time_and_english_in_admin",
]
ROOT_URLCONF = "konektika.urls"
WSGI_APPLICATION = "konektika.wsgi.application"
APPEND_SLASH = False
AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        (
            "UserAttributeSimilarityValidator",
            {"user_attributes": ("full_name", "email", "phone")},
        ),
        ("MinimumLengthValidator", {}),
        ("CommonPasswordValidator", {}),
        ("NumericPasswordValidator", {}),
    )
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "libraries": {"phones": "common.phone_tags"},
        },
    },
]
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
}
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("sw", "Kiswahili")]
FORMAT_MODULE_PATH = ["konektika.formats"]
NUMBER_GROUPING = 3  # for Swahili, whose figures Django does not group
TIME_ZONE = "UTC"
USE_TZ = True
LOCALE_PATHS = [BASE_DIR / "locale"]
# A URL serves pictures alone.
MEDIA_ROOT = Path(env.text("MEDIA_ROOT", str(BASE_DIR / "var/media")))
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var/static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    # Tells of a Redis that is away with a traceback for each command; SharedRedis tells it once.
    "loggers": {"pybreaker": {"level": "CRITICAL"}},
}

# --- REST ---
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.InOwnLanguage"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["common.envelope.EnvelopeRenderer"],
    "DEFAULT_PARSER_CLASSES": ["common.json_parser.BoundedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "common.rest.exception_handler",
}
KNOX_TOKEN_MODEL = "knox.AuthToken"  # noqa: S105 - a model
REST_KNOX = {
    "AUTH_HEADER_PREFIX": "Bearer",
    "TOKEN_TTL": timedelta(days=TOKEN_DAYS),
    "AUTO_REFRESH": False,
}
SPECTACULAR_SETTINGS = {
    "SCHEMA_PATH_PREFIX": "/api/",  # the agents' paths are described in docs/agent-protocol.md
    "TITLE": "Konektika",
    "DESCRIPTION": "Buy a slice of a data bundle by mobile money; get a WireGuard configuration.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "common.openapi.wrap_in_envelope",
    ],
}

# --- Celery ---
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Celery would open a database connection for each task; ours outlive a task, see `celery.py`.
CELERY_DB_REUSE_MAX = sys.maxsize
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    # A request never waits for a broker that is away: the sweeps carry the work.
    "max_retries": 1,
    "interval_start": 0,
    "interval_max": 0,
    "socket_connect_timeout": 2,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "payments.tasks.push": {"queue": "collect"},
    "payments.tasks.send_transfer": {"queue": "collect"},
    "payments.tasks.apply_deliveries": {"queue": "webhooks"},
    # Minutes of work that no customer waits for, and that none may wait behind.
    "payments.tasks.read_statement": {"queue": "back_office"},
    "payments.tasks.match_statement_lines": {"queue": "back_office"},
    "payments.tasks.watch_closed_days": {"queue": "back_office"},
    "backoffice.tasks.roll_up": {"queue": "back_office"},
    "backoffice.tasks.roll_up_days": {"queue": "back_office"},
    "backoffice.tasks.roll_up_older_days": {"queue": "back_office"},
    "backoffice.tasks.check_service_leg": {"queue": "back_office"},
    "backoffice.tasks.check_money": {"queue": "back_office"},
    "notifications.tasks.ask_deliveries": {"queue": "back_office"},
    "notifications.tasks.watch_credit": {"queue": "back_office"},
    "notifications.tasks.send_message": {"queue": "messages"},
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
CELERY_TIMEZONE = "UTC"
DJANGO_CELERY_BEAT_TZ_AWARE = True

# --- The admin's looks ---
UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Konektika",
    "SITE_HEADER": "Konektika",
    "SITE_SUBHEADER": "Back-office",
    "SITE_URL": None,
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("backoffice/icon.svg"),
        },
    ],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [lambda request: static("backoffice/story.css")],
    "SIDEBAR": {
        "show_search": False,
        "navigation": [
            {
                "title": "Find",
                "items": [
                    {
                        "title": "Search",
                        "icon": "search",
                        "link": reverse_lazy("staff-search"),
                    },
                    {
                        "title": "Dashboard",
                        "icon": "monitoring",
                        "link": reverse_lazy("dashboard"),
                        "permission": "backoffice.dashboard.page.may_see",
                    },
                ],
            },
            {
                "title": "Money",
                "items": [
                    {
                        "title": "Payments",
                        "icon": "payments",
                        "link": reverse_lazy("admin:payments_payment_changelist"),
                    },
                    {
                        "title": "Transfers",
                        "icon": "send_money",
                        "link": reverse_lazy("admin:payments_transfer_changelist"),
                    },
                    {
                        "title": "Credit requests",
                        "icon": "savings",
                        "link": reverse_lazy("admin:payments_creditrequest_changelist"),
                    },
                    {
                        "title": "Refunds asked for",
                        "icon": "undo",
                        "link": reverse_lazy("admin:storefront_refundrequest_changelist"),
                    },
                    {
                        "title": "Named receipts",
                        "icon": "receipt",
                        "link": reverse_lazy("admin:payments_receiptclaim_changelist"),
                    },
                    {
                        "title": "Webhook deliveries",
                        "icon": "webhook",
                        "link": reverse_lazy("admin:payments_webhookdelivery_changelist"),
                    },
                    {
                        "title": "Ledger",
                        "icon": "account_balance",
                        "link": reverse_lazy("admin:payments_posting_changelist"),
                    },
                    {
                        "title": "Business days",
                        "icon": "event_available",
                        "link": reverse_lazy("admin:payments_dayclose_changelist"),
                    },
                    {
                        "title": "Statements",
                        "icon": "receipt_long",
                        "link": reverse_lazy("admin:payments_statementfile_changelist"),
                    },
                    {
                        "title": "Statement lines",
                        "icon": "list_alt",
                        "link": reverse_lazy("admin:payments_statementline_changelist"),
                    },
                    {
                        "title": "Statement profiles",
                        "icon": "view_column",
                        "link": reverse_lazy("admin:payments_statementprofile_changelist"),
                    },
                    {
                        "title": "Matches",
                        "icon": "compare_arrows",
                        "link": reverse_lazy("admin:payments_match_changelist"),
                    },
                    {
                        "title": "Cases",
                        "icon": "assignment_late",
                        "link": reverse_lazy("admin:cases_case_changelist"),
                    },
                    {
                        "title": "Case rules",
                        "icon": "rule",
                        "link": reverse_lazy("admin:cases_caserules_changelist"),
                    },
                    {
                        "title": "Providers",
                        "icon": "toggle_on",
                        "link": reverse_lazy("admin:payments_providerswitch_changelist"),
                    },
                    {
                        "title": "Prompt limits",
                        "icon": "speed",
                        "link": reverse_lazy("admin:payments_promptlimits_changelist"),
                    },
                    {
                        "title": "Transfer rules",
                        "icon": "rule",
                        "link": reverse_lazy("admin:payments_transferrules_changelist"),
                    },
                    {
                        "title": "Matching rules",
                        "icon": "tune",
                        "link": reverse_lazy("admin:payments_matchingrules_changelist"),
                    },
                ],
            },
            {
                "title": "What is sold",
                "items": [
                    {
                        "title": "Bundles",
                        "icon": "inventory_2",
                        "link": reverse_lazy("admin:bundles_bundle_changelist"),
                    },
                    {
                        "title": "Owners",
                        "icon": "storefront",
                        "link": reverse_lazy("admin:bundles_owner_changelist"),
                    },
                    {
                        "title": "Purchases",
                        "icon": "shopping_cart",
                        "link": reverse_lazy("admin:bundles_purchase_changelist"),
                    },
                    {
                        "title": "Subscriptions",
                        "icon": "card_membership",
                        "link": reverse_lazy("admin:bundles_subscription_changelist"),
                    },
                    {
                        "title": "Terms",
                        "icon": "gavel",
                        "link": reverse_lazy("admin:bundles_terms_changelist"),
                    },
                ],
            },
            {
                "title": "Delivery",
                "items": [
                    {
                        "title": "Gateways",
                        "icon": "router",
                        "link": reverse_lazy("admin:vpn_gateway_changelist"),
                    },
                    {
                        "title": "Peers",
                        "icon": "vpn_key",
                        "link": reverse_lazy("admin:vpn_peer_changelist"),
                    },
                    {
                        "title": "Messages",
                        "icon": "sms",
                        "link": reverse_lazy("admin:notifications_message_changelist"),
                    },
                    {
                        "title": "Opt-outs",
                        "icon": "notifications_off",
                        "link": reverse_lazy("admin:notifications_optout_changelist"),
                    },
                ],
            },
            {
                "title": "People and jobs",
                "items": [
                    {
                        "title": "People",
                        "icon": "group",
                        "link": reverse_lazy("admin:accounts_user_changelist"),
                    },
                    {
                        "title": "Audit trail",
                        "icon": "history",
                        "link": reverse_lazy("admin:admin_logentry_changelist"),
                    },
                    {
                        "title": "Schedule",
                        "icon": "schedule",
                        "link": reverse_lazy("admin:django_celery_beat_periodictask_changelist"),
                    },
                ],
            },
        ],
    },
}
for_each_role(UNFOLD["SIDEBAR"]["navigation"])
