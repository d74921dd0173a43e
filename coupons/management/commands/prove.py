"""`manage.py prove SLUG`: publish the root of a closed campaign, or check the published one."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from coupons.claims.quantities import counted_noun
from coupons.management.arguments import SLUG
from coupons.management.base import ACTOR, SentenceCommand, demand_campaign
from coupons.models import Campaign, CampaignProof
from coupons.proof import build, check


class Command(SentenceCommand):
    help = (
        "Publish the root of the Merkle tree over a closed campaign's places, as beat does by "
        "itself a minute after it has closed. If it is published, compare all coupons with it: "
        "fails if one was changed since. A published root is never replaced."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", type=SLUG)
        parser.add_argument("--by", type=ACTOR, default="manage.py", help="who does it")

    def handle(self, *args: Any, **options: Any) -> None:
        demand_campaign(options["slug"])
        campaign = Campaign.objects.get(slug=options["slug"])
        is_old = CampaignProof.objects.filter(campaign=campaign, root__isnull=False).exists()
        proof = build.prove_campaign(campaign, actor=options["by"])
        if is_old:
            self._check(campaign, proof, options["by"])
        places = counted_noun(proof.size, "place")
        coupons = counted_noun(proof.coupons, "coupon")
        verb = "still has" if is_old else "is published with"
        root = build.base64_of(bytes(proof.root or b""))
        self.stdout.write(f"{campaign.slug} {verb} {places}, {coupons} and the root {root}.")

    def _check(self, campaign: Campaign, proof: CampaignProof, actor: str) -> None:
        finding = check.check_proof(campaign, proof, actor=actor)
        if finding.later:
            stored = counted_noun(finding.later, "coupon")
            self.stdout.write(f"{stored} stored since; {finding.added:,} of them unexplained.")
        if finding.changed:
            self.stdout.write(f"Changed places: {check.ranges_text(finding.changed[:20])}")
        if not finding.root_fits:
            self.stdout.write("The root differs from that of the history, or of its own blocks.")
        if not finding.is_right:
            raise CommandError(f"{campaign.slug} differs from its published proof.")
