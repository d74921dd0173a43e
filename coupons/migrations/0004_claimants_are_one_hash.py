from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("coupons", "0003_coupons_name_their_request")]

    # A bucket held 32 claimants, whose 16 bits each were one block of the filter.
    operations = [migrations.RenameField("campaign", "buckets", "filter_blocks")]
