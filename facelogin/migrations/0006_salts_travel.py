from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """The salts of frames travel with the jobs; whatever waits at this moment is refused."""

    dependencies: ClassVar = [("facelogin", "0005_judgements")]

    operations: ClassVar = [
        migrations.RemoveField(model_name="frames", name="salt"),
        migrations.RemoveField(model_name="preview", name="salt"),
    ]
