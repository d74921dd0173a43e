"""The life of coupons, merchants and their keys, returned stock, the waitlist, jobs, webhooks.

New tables, and columns of campaigns with defaults that the database knows: an earlier release goes
on reading and writing campaigns while hosts are being updated, and after a rollback.
"""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import coupons.models.bounds
import coupons.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("coupons", "0008_history_is_typed"),
    ]

    operations = [
        migrations.CreateModel(
            name="ExpiryCursor",
            fields=[
                (
                    "campaign",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="coupons.campaign",
                    ),
                ),
                ("place", models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Merchant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "slug",
                    models.CharField(
                        max_length=64,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?\\Z", "a-z, 0-9 and hyphens"
                            )
                        ],
                        verbose_name="slug",
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        max_length=200,
                        validators=[coupons.models.bounds.one_line],
                        verbose_name="name",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
            ],
            options={
                "verbose_name": "merchant",
                "verbose_name_plural": "merchants",
                "ordering": ["slug"],
            },
        ),
        migrations.AddField(
            model_name="campaign",
            name="expiry_returns",
            field=models.BooleanField(
                db_default=False, default=False, verbose_name="expired coupons return to stock"
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="granted",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="campaign",
            name="may_give_back",
            field=models.BooleanField(
                db_default=False, default=False, verbose_name="users may give coupons back"
            ),
        ),
        migrations.AlterField(
            model_name="campaignevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("created", "created"),
                    ("edited", "edited"),
                    ("scheduled", "scheduled"),
                    ("rescheduled", "rescheduled"),
                    ("stock_set", "stock set"),
                    ("opened", "opened"),
                    ("paused", "paused"),
                    ("resumed", "resumed"),
                    ("closed", "closed"),
                    ("held", "held back"),
                    ("released", "released"),
                    ("overridden", "overridden"),
                    ("warmed_up", "warmed up"),
                    ("rebuilt", "rebuilt"),
                    ("checked", "checked"),
                    ("claims_replayed", "replayed"),
                    ("claim_given_up", "gave up"),
                    ("receipt_honoured", "honoured a receipt"),
                    ("granted", "granted"),
                    ("given_on", "gave returned stock on"),
                    ("other", "other"),
                ],
                db_default="other",
                max_length=32,
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="offer_hours",
            field=models.PositiveSmallIntegerField(
                db_default=0,
                default=0,
                help_text="0: the waitlist is served at once, without an acceptance; else 24 or more.",
                validators=[django.core.validators.MaxValueValidator(720)],
                verbose_name="hours to accept an offer",
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="returns_to",
            field=models.CharField(
                choices=[
                    ("burn", "gone for good"),
                    ("pool", "to the first who ask"),
                    ("waitlist", "to the waitlist"),
                ],
                db_default="burn",
                default="burn",
                max_length=8,
                verbose_name="stock that comes back",
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="revives_days",
            field=models.PositiveSmallIntegerField(
                db_default=3,
                default=3,
                help_text="If the shop cancels an order after the coupon's end, it can be used again for so many days; 0: never.",
                validators=[django.core.validators.MaxValueValidator(90)],
                verbose_name="days of a revived coupon",
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="rounding",
            field=models.PositiveSmallIntegerField(
                choices=[(1, "1"), (10, "10"), (100, "100")],
                db_default=1,
                default=1,
                help_text="Discounts are rounded down to so many of the currency's smallest units.",
                verbose_name="rounding",
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="waitlist_limit",
            field=models.PositiveIntegerField(
                db_default=0,
                default=0,
                help_text="0: no waitlist.",
                validators=[django.core.validators.MaxValueValidator(10000000)],
                verbose_name="longest waitlist",
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="zone",
            field=models.CharField(
                db_default="Asia/Seoul",
                default="Asia/Seoul",
                help_text="Of ends that are given as a date: they end at 24:00 of that day there.",
                max_length=64,
                validators=[coupons.models.bounds.known_zone],
                verbose_name="time zone",
            ),
        ),
        migrations.CreateModel(
            name="CouponEvent",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "coupon",
                        "version",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("at", models.DateTimeField()),
                (
                    "verb",
                    models.CharField(
                        choices=[
                            ("reserve", "reserved"),
                            ("renew", "hold renewed"),
                            ("release", "released"),
                            ("redeem", "redeemed"),
                            ("cancel", "redemption cancelled"),
                            ("revoke", "revoked"),
                            ("undo_revoke", "revocation undone"),
                            ("expire", "expired"),
                            ("extend", "extended"),
                            ("give_back", "given back"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "before",
                    models.CharField(
                        choices=[
                            ("issued", "issued"),
                            ("held", "held"),
                            ("redeemed", "redeemed"),
                            ("revoked", "revoked"),
                            ("expired", "expired"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "after",
                    models.CharField(
                        choices=[
                            ("issued", "issued"),
                            ("held", "held"),
                            ("redeemed", "redeemed"),
                            ("revoked", "revoked"),
                            ("expired", "expired"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "actor_kind",
                    models.CharField(
                        choices=[
                            ("key", "merchant's key"),
                            ("operator", "operator"),
                            ("user", "user"),
                            ("clock", "clock"),
                        ],
                        max_length=8,
                    ),
                ),
                ("actor", models.CharField(max_length=150)),
                ("reference", models.UUIDField(db_index=True, null=True)),
                ("order_ref", coupons.models.fields.ExactField(max_length=64, null=True)),
                ("subtotal", models.DecimalField(decimal_places=3, max_digits=13, null=True)),
                ("discount", models.DecimalField(decimal_places=3, max_digits=13, null=True)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("request_id", coupons.models.fields.ExactField(max_length=64, null=True)),
                ("data", models.JSONField(default=dict)),
                (
                    "coupon",
                    models.ForeignKey(
                        db_column="slot_id",
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="coupons.coupon",
                    ),
                ),
            ],
            options={
                "ordering": ["coupon", "version"],
            },
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("grants", "grants"), ("revocations", "revocations")],
                        max_length=12,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("receiving", "receiving"),
                            ("ready", "waiting"),
                            ("running", "running"),
                            ("done", "done"),
                            ("abandoned", "abandoned"),
                        ],
                        default="receiving",
                        max_length=12,
                    ),
                ),
                ("actor_kind", models.CharField(max_length=8)),
                ("actor", models.CharField(max_length=150)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("options", models.JSONField(default=dict)),
                ("lines", models.PositiveIntegerField(default=0)),
                ("next_line", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("leased_until", models.DateTimeField(null=True)),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="coupons.campaign",
                    ),
                ),
                (
                    "merchant",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="coupons.merchant",
                    ),
                ),
            ],
            options={
                "verbose_name": "job",
                "verbose_name_plural": "jobs",
            },
        ),
        migrations.CreateModel(
            name="IdempotentCall",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", coupons.models.fields.ExactField(max_length=64)),
                ("fingerprint", coupons.models.fields.ExactField(max_length=64)),
                ("status", models.PositiveSmallIntegerField()),
                ("answer", models.TextField()),
                ("headers", models.JSONField(default=dict)),
                ("at", models.DateTimeField(db_index=True)),
                (
                    "merchant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="coupons.merchant",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CouponLife",
            fields=[
                (
                    "coupon",
                    models.OneToOneField(
                        db_column="slot_id",
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="life",
                        serialize=False,
                        to="coupons.coupon",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("issued", "issued"),
                            ("held", "held"),
                            ("redeemed", "redeemed"),
                            ("revoked", "revoked"),
                            ("expired", "expired"),
                        ],
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("version", models.PositiveIntegerField(verbose_name="version")),
                ("changed_at", models.DateTimeField(verbose_name="changed at")),
                ("hold_id", models.UUIDField(null=True, verbose_name="reservation")),
                ("hold_since", models.DateTimeField(null=True)),
                ("hold_until", models.DateTimeField(null=True, verbose_name="held until")),
                ("end_override", models.DateTimeField(null=True, verbose_name="extended until")),
                (
                    "order_ref",
                    coupons.models.fields.ExactField(
                        max_length=64, null=True, verbose_name="order"
                    ),
                ),
                (
                    "subtotal",
                    models.DecimalField(
                        decimal_places=3, max_digits=13, null=True, verbose_name="subtotal"
                    ),
                ),
                (
                    "discount",
                    models.DecimalField(
                        decimal_places=3, max_digits=13, null=True, verbose_name="discount"
                    ),
                ),
                ("redemption", models.UUIDField(null=True, verbose_name="redemption")),
                ("redeemed_at", models.DateTimeField(null=True, verbose_name="redeemed at")),
                ("is_returned", models.BooleanField(default=False)),
                (
                    "campaign",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="coupons.campaign",
                    ),
                ),
                (
                    "merchant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="coupons.merchant",
                    ),
                ),
            ],
            options={
                "verbose_name": "coupon's life",
                "verbose_name_plural": "coupons' lives",
            },
        ),
        migrations.AddField(
            model_name="campaign",
            name="merchant",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="campaigns",
                to="coupons.merchant",
                verbose_name="merchant",
            ),
        ),
        migrations.CreateModel(
            name="MerchantKey",
            fields=[
                (
                    "id",
                    models.CharField(
                        editable=False,
                        max_length=150,
                        primary_key=True,
                        serialize=False,
                        unique=True,
                    ),
                ),
                ("prefix", models.CharField(editable=False, max_length=8, unique=True)),
                ("hashed_key", models.CharField(editable=False, max_length=150)),
                ("created", models.DateTimeField(auto_now_add=True, db_index=True)),
                (
                    "name",
                    models.CharField(
                        default=None,
                        help_text="A free-form name for the API key. Need not be unique. 50 characters max.",
                        max_length=50,
                    ),
                ),
                (
                    "revoked",
                    models.BooleanField(
                        blank=True,
                        default=False,
                        help_text="If the API key is revoked, clients cannot use it anymore. (This cannot be undone.)",
                    ),
                ),
                (
                    "expiry_date",
                    models.DateTimeField(
                        blank=True,
                        help_text="Once API key expires, clients cannot use it anymore.",
                        null=True,
                        verbose_name="Expires",
                    ),
                ),
                ("scopes", models.JSONField(default=list)),
                (
                    "last_used_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="last used at"),
                ),
                (
                    "merchant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="keys",
                        to="coupons.merchant",
                    ),
                ),
                (
                    "replaced_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="coupons.merchantkey",
                    ),
                ),
            ],
            options={
                "verbose_name": "merchant's key",
                "verbose_name_plural": "merchants' keys",
                "ordering": ["-created"],
            },
        ),
        migrations.CreateModel(
            name="OutboxMessage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("message_id", models.UUIDField(unique=True)),
                ("type", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
                ("body", models.JSONField()),
                ("is_routed", models.BooleanField(default=False)),
                (
                    "merchant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="coupons.merchant",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Returned",
            fields=[
                (
                    "campaign",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="returned",
                        serialize=False,
                        to="coupons.campaign",
                    ),
                ),
                ("returned", models.PositiveIntegerField(default=0)),
                ("given_on", models.PositiveIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("given_on__lte", models.F("returned"))),
                        name="returned_covers_given_on",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WaitlistEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("user", coupons.models.fields.ExactField(max_length=128, verbose_name="user")),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                ("asked_at", models.DateTimeField(verbose_name="asked at")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("offered", "offered"),
                            ("served", "served"),
                            ("skipped", "skipped"),
                            ("left", "left"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("changed_at", models.DateTimeField(null=True)),
                ("place", models.PositiveIntegerField(null=True, verbose_name="place")),
                ("offer_until", models.DateTimeField(null=True)),
                ("reason", models.CharField(blank=True, max_length=200)),
                (
                    "campaign",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="waitlist",
                        to="coupons.campaign",
                    ),
                ),
            ],
            options={
                "verbose_name": "waitlist entry",
                "verbose_name_plural": "waitlist entries",
            },
        ),
        migrations.CreateModel(
            name="WebhookCursor",
            fields=[
                (
                    "campaign",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="coupons.campaign",
                    ),
                ),
                ("place", models.PositiveIntegerField(default=0)),
                ("missing", models.JSONField(default=list)),
                ("told", models.PositiveIntegerField(default=0)),
                ("sold_out_stock", models.PositiveIntegerField(default=0)),
                ("blocked_since", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("url", models.CharField(max_length=2000, verbose_name="address")),
                ("types", models.JSONField(default=list)),
                ("key_id", models.CharField(editable=False, max_length=32)),
                ("secret_number", models.PositiveIntegerField(default=1, editable=False)),
                ("old_secret_until", models.DateTimeField(editable=False, null=True)),
                ("is_enabled", models.BooleanField(default=True, verbose_name="enabled")),
                ("disabled_at", models.DateTimeField(editable=False, null=True)),
                ("disabled_reason", models.CharField(blank=True, editable=False, max_length=200)),
                ("busy_until", models.DateTimeField(editable=False, null=True)),
                ("failures", models.PositiveIntegerField(default=0, editable=False)),
                ("paused_until", models.DateTimeField(editable=False, null=True)),
                ("is_suspect", models.BooleanField(default=False, editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "merchant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="endpoints",
                        to="coupons.merchant",
                    ),
                ),
            ],
            options={
                "verbose_name": "webhook endpoint",
                "verbose_name_plural": "webhook endpoints",
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("delivered", "delivered"),
                            ("failed", "failed for good"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("due_at", models.DateTimeField()),
                ("last_at", models.DateTimeField(null=True)),
                ("last_status", models.PositiveSmallIntegerField(null=True)),
                ("last_error", models.CharField(blank=True, max_length=200)),
                ("answer", models.BinaryField(max_length=1024, null=True)),
                ("duration_ms", models.PositiveIntegerField(null=True)),
                (
                    "message",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="coupons.outboxmessage",
                    ),
                ),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="coupons.webhookendpoint",
                    ),
                ),
            ],
            options={
                "verbose_name": "webhook delivery",
                "verbose_name_plural": "webhook deliveries",
            },
        ),
        migrations.CreateModel(
            name="JobLine",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "job", "line", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("line", models.PositiveIntegerField()),
                ("data", models.JSONField()),
                ("verdict", models.CharField(blank=True, max_length=24)),
                ("detail", models.JSONField(null=True)),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="coupons.job",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["job", "verdict", "line"], name="line_by_verdict")
                ],
            },
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["state", "created_at"], name="job_by_state"),
        ),
        migrations.AddConstraint(
            model_name="idempotentcall",
            constraint=models.UniqueConstraint(
                fields=("merchant", "key"), name="call_once_per_key"
            ),
        ),
        migrations.AddIndex(
            model_name="couponlife",
            index=models.Index(fields=["campaign", "state", "coupon"], name="life_by_state"),
        ),
        migrations.AddIndex(
            model_name="couponlife",
            index=models.Index(fields=["hold_until"], name="life_by_hold"),
        ),
        migrations.AddConstraint(
            model_name="couponlife",
            constraint=models.UniqueConstraint(
                fields=("merchant", "order_ref", "coupon"), name="life_one_per_order"
            ),
        ),
        migrations.AddConstraint(
            model_name="couponlife",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("hold_id__isnull", False), ("hold_until__isnull", False), ("state", "held")
                    ),
                    models.Q(models.Q(("state", "held"), _negated=True), ("hold_id__isnull", True)),
                    _connector="OR",
                ),
                name="life_held_has_a_hold",
            ),
        ),
        migrations.AddConstraint(
            model_name="couponlife",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("order_ref__isnull", False),
                        ("redemption__isnull", False),
                        ("state", "redeemed"),
                    ),
                    models.Q(
                        models.Q(("state", "redeemed"), _negated=True), ("redemption__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="life_redeemed_has_a_redemption",
            ),
        ),
        migrations.AddConstraint(
            model_name="couponlife",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("discount__isnull", True),
                    models.Q(("discount__gte", 0), ("discount__lte", models.F("subtotal"))),
                    _connector="OR",
                ),
                name="life_discount_within_subtotal",
            ),
        ),
        migrations.AddIndex(
            model_name="outboxmessage",
            index=models.Index(fields=["is_routed", "id"], name="outbox_by_routing"),
        ),
        migrations.AddIndex(
            model_name="outboxmessage",
            index=models.Index(fields=["merchant", "at"], name="outbox_by_merchant"),
        ),
        migrations.AddIndex(
            model_name="waitlistentry",
            index=models.Index(fields=["campaign", "state", "number"], name="waitlist_by_state"),
        ),
        migrations.AddConstraint(
            model_name="waitlistentry",
            constraint=models.UniqueConstraint(
                fields=("campaign", "user"), name="waitlist_one_per_user"
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistentry",
            constraint=models.UniqueConstraint(
                fields=("campaign", "number"), name="waitlist_one_per_number"
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                fields=["endpoint", "state", "due_at", "message"], name="delivery_by_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.UniqueConstraint(
                fields=("endpoint", "message"), name="delivery_once"
            ),
        ),
    ]
