"""Names of operators compare byte by byte, as they always have on SQLite.

MySQL's default collations take `ADMIN` and `ádmin` for `admin`, so one user had many names to be
guessed by. A finer collation makes no two names alike that were not, so nothing can collide; the way
back could, and an earlier release is well served by this one: it changes nothing.
"""

from django.db import migrations


def compare_exactly(apps, schema_editor):
    if schema_editor.connection.vendor != "mysql":
        return
    user = apps.get_model("auth", "User")
    column = user._meta.get_field("username")
    quote = schema_editor.quote_name
    schema_editor.execute(
        f"ALTER TABLE {quote(user._meta.db_table)} MODIFY {quote(column.column)}"
        f" varchar({column.max_length}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"
    )


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("coupons", "0006_definitions_are_bounded"),
    ]

    operations = [migrations.RunPython(compare_exactly, migrations.RunPython.noop, atomic=False)]
