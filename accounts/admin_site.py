"""The admin pages, behind the same second factor as everything else."""

from django.contrib.admin import AdminSite


class SecureChatAdminSite(AdminSite):
    site_header = site_title = "SecureChat administration"
    index_title = "People, invitations and devices"
