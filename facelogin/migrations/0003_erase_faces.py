"""Template keys get another wrapping, which takes each person's password: faces are enrolled anew."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def erase(apps: Apps, _schema: BaseDatabaseSchemaEditor) -> None:
    for name in ("Template", "Attempt"):
        apps.get_model("facelogin", name).objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("facelogin", "0002_previews")]

    operations = [migrations.RunPython(erase, migrations.RunPython.noop)]
