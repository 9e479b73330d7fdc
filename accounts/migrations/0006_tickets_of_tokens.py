from django.db import migrations, models


class Migration(migrations.Migration):
    """Tickets live for 30 seconds: those from before are made again rather than changed."""

    dependencies = [("accounts", "0005_budgets")]

    operations = [
        migrations.DeleteModel(name="SocketTicket"),
        migrations.CreateModel(
            name="SocketTicket",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("expires_at", models.DateTimeField(db_index=True)),
                (
                    "token",
                    models.ForeignKey(
                        on_delete=models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.devicetoken",
                    ),
                ),
            ],
        ),
    ]
