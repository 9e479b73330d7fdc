"""Django's settings, made from :class:`securechat.config.Config`."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from accounts.sealing import derive_key
from securechat.config import ROOT, Config
from securechat.databases import postgresql, sqlite
from securechat.keys import load_secret

CONFIG = Config()
PRODUCTION = CONFIG.environment == "production"
DATA = CONFIG.data.resolve()
DATA.mkdir(mode=0o700, parents=True, exist_ok=True)

# Secrets -------------------------------------------------------------------------------------

SERVER_SECRET = load_secret(
    CONFIG.secret_key_file or DATA / "secret.key",
    create=CONFIG.secret_key_file is None and not PRODUCTION,
)
SECRET_KEY = derive_key(SERVER_SECRET, "django").hex()

# Addresses -----------------------------------------------------------------------------------

DEBUG = False
ORIGINS = [CONFIG.origin.rstrip("/"), *(origin.rstrip("/") for origin in CONFIG.more_origins)]
ALLOWED_HOSTS = sorted({urlsplit(origin).hostname or "" for origin in ORIGINS})
CSRF_TRUSTED_ORIGINS = ORIGINS
HTTPS = all(origin.startswith("https://") for origin in ORIGINS)
# The server itself speaks no TLS: an https origin stands behind a proxy.
TRUSTED_PROXIES = int(HTTPS) if CONFIG.trusted_proxies is None else CONFIG.trusted_proxies
ROOT_URLCONF = "securechat.urls"
ASGI_APPLICATION = "securechat.asgi.application"

# Applications --------------------------------------------------------------------------------

INSTALLED_APPS = [
    "accounts",
    "messaging",
    "facelogin",
    "securechat.apps.SecureChatConfig",
    "securechat.apps.SecureChatAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.headless",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",  # before WhiteNoise: a worker takes the policy of its own file
    "securechat.probes.ProbesMiddleware",
    "securechat.logs.RequestLogMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "accounts.middleware.NoStoreMiddleware",
    "accounts.middleware.CleanQueryMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.RevokedDeviceMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "facelogin.middleware.CaptureSecretMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Data ----------------------------------------------------------------------------------------

DATABASES = {
    "default": postgresql(CONFIG.database_url.get_secret_value())
    if CONFIG.database_url
    else sqlite(DATA / "securechat.sqlite3"),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = CONFIG.redis_url.get_secret_value() if CONFIG.redis_url else None
CHANNEL_LAYERS: dict[str, Any] = {
    "default": {
        # Nothing of a doorbell is kept: one step of Redis, where the layer with queues takes seven.
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [{"address": REDIS_URL, "health_check_interval": 10}]},
    }
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"},
}
CACHES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}

BROKER_FOLDER = DATA / "broker"
CELERY_BROKER_URL = REDIS_URL or "files://localhost"  # securechat/broker.py
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    {"visibility_timeout": 120}
    if REDIS_URL
    else {
        "data_folder_in": str(BROKER_FOLDER),
        "data_folder_out": str(BROKER_FOLDER),
        "control_folder": str(BROKER_FOLDER / "control"),
        "polling_interval": 0.05,
    }
)
if not REDIS_URL:
    (BROKER_FOLDER / "control").mkdir(mode=0o700, parents=True, exist_ok=True)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 30
CELERY_TASK_SOFT_TIME_LIMIT = 20
CELERY_TASK_ROUTES = {"facelogin.*": {"queue": "face"}}
CELERY_TASK_DEFAULT_QUEUE = "securechat"
CELERY_BEAT_SCHEDULE: dict[str, Any] = {
    "sweep": {
        "task": "securechat.sweep",
        "schedule": 60,
        "options": {"expires": 55},  # a worker that was away does it once, not once a minute
    },
    "remove orphaned attachments": {
        "task": "messaging.remove_orphaned_attachments",
        "schedule": 3600,
    },
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 8
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 60  # the face worker loads its models first

# People and logins ---------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.Person"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["accounts.hashing.OneAtATimeArgon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "CommonPasswordValidator")
] + [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    }
]
LOGIN_URL = "/"

ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_USER_MODEL_USERNAME_FIELD = "username"
ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_PREVENT_ENUMERATION = True
HEADLESS_ONLY = True
HEADLESS_CLIENTS = ("browser",)
HEADLESS_FRONTEND_URLS = {
    "account_confirm_email": "/",
    "account_reset_password": "/",
    "account_reset_password_from_key": "/",
    "account_signup": "/",
}
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES  # limits count by the address they say
MFA_ADAPTER = "accounts.adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = CONFIG.organisation
MFA_TOTP_TOLERANCE = 1  # a slow typist, a clock that is a little off; each code works once

# A login is a list of stages; an application adds its own without the others knowing it.
LOGIN_STAGES = [
    "facelogin.stages.FaceStage",
    "accounts.stages.SecondFactorStage",
]
# What counts as a second factor, in the order in which it is offered.
SECOND_FACTORS = [
    "facelogin.factor.Face",
    "accounts.factors.TimeBasedCode",
    "accounts.factors.RecoveryCode",
]

SESSION_ENGINE = "accounts.session_store"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_FAILURE_VIEW = "securechat.views.csrf_failure"

# HTTP ----------------------------------------------------------------------------------------

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"  # with no-referrer, forms send the Origin "null"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024 + 64 * 1024  # faces never touch the disk

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "blob:", "data:"],
        "media-src": [SELF, "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "worker-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["securechat"],
    },
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.TokenAuthentication",
        "accounts.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.permissions.IsDevice"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["accounts.api.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "accounts.api.pagination.CursorPagination",
    "DEFAULT_SCHEMA_CLASS": "accounts.api.schema.AutoSchema",
    "EXCEPTION_HANDLER": "accounts.api.problems.exception_handler",
    "DEFAULT_VERSIONING_CLASS": None,
    "PAGE_SIZE": 50,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "SecureChat",
    "DESCRIPTION": "An organisation's own end-to-end encrypted chat.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": False,  # what a PATCH asks for is required, as in every body
    "ENUM_NAME_OVERRIDES": {
        "CaptureState": "facelogin.lifecycle.State",
        "CapturePurpose": "facelogin.lifecycle.Purpose",
        "CaptureStep": "facelogin.challenge.Step",
        "CaptureReason": "facelogin.lifecycle.Reason",
        "ConversationKind": "messaging.models.Conversation.Kind",
        "EntryKind": "messaging.models.Entry.Kind",
        "Role": "accounts.models.Role",
        "Scope": "accounts.models.Scope",
        "SessionState": "accounts.services.sessions.State",
    },
    "TAGS": [
        {"name": name, "description": description}
        for name, description in {
            "session": "Where a browser stands, and on which device.",
            "devices": "The caller's own devices, and the tokens of their scripts.",
            "tokens": "Tokens of scripts.",
            "socket-tickets": "How a script opens the socket.",
            "invitations": "How somebody becomes a person here.",
            "people": "Who is here.",
            "face": "The face as a second factor.",
            "messaging": "What every conversation here has to have.",
            "key-packages": "What others need to add a device to a conversation.",
            "conversations": "Conversations and their logs.",
            "attachments": "Encrypted files.",
            "welcomes": "Conversations that wait for this device.",
        }.items()
    ],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
}

# Static files --------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = DATA / "static"
WEB_BUILD: Path = ROOT / "web" / "dist"
STATICFILES_DIRS = [("web", WEB_BUILD)] if WEB_BUILD.is_dir() else []
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
    "attachments": {
        "BACKEND": "messaging.s3.PartsInS3",
        "OPTIONS": {
            "bucket_name": CONFIG.s3_bucket,
            "endpoint_url": CONFIG.s3_endpoint,
            "max_memory_size": 1,  # a part that is read goes to the folder below, not to memory
        },
    }
    if CONFIG.s3_bucket
    else {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": DATA / "attachments",
            "allow_overwrite": True,  # a part that is sent again has the same name
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
}
MEDIA_ROOT = DATA / "media"
# Where parts of files lie while they come in; never outside of the data folder.
FILE_UPLOAD_TEMP_DIR = DATA / "incoming"
FILE_UPLOAD_TEMP_DIR.mkdir(mode=0o700, exist_ok=True)

# Words, times, logs --------------------------------------------------------------------------

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        "json": {"()": "securechat.logs.JsonFormatter"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": CONFIG.log_format}},
    "root": {"handlers": ["stderr"], "level": CONFIG.log_level},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "securechat.logs": {"level": "INFO" if CONFIG.log_format == "json" else "WARNING"},
        "celery": {"level": "WARNING"},  # success is silent
        "daphne": {"level": "WARNING"},
        "channels_redis.pubsub": {"level": "CRITICAL"},  # once a second; the doorbell says it once
        "django.request": {"level": "ERROR"},  # a refusal is no event, and addresses name people
        "django.server": {"handlers": [], "propagate": True},
    },
}
