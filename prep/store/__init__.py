"""SQLite: schema, migrations, repositories, backup."""
