"""The base of the merchants' views: key, scope, limits."""

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from coupons.api.base_view import Resource
from coupons.api.merchant import rate_limit
from coupons.api.merchant.auth import HasScope, KeyAuthentication, merchant_caller
from coupons.errors import CouponError
from coupons.models import Scope
from coupons.observability import life_metrics

METHODS = ("get", "head", "post", "put", "patch", "delete")
_CODE_SCOPES = frozenset({Scope.READ, Scope.REDEEM, Scope.REVOKE})


class MerchantResource(Resource):
    """A resource of the merchants' API. `request.user` is the MerchantCaller.

    `scopes` names the scope that each method needs, and must name every method that the class has:

        class Redemptions(MerchantResource):
            scopes = {"POST": Scope.REDEEM}

    A POST that reads a code from its body (no parameter in its path, a scope about coupons) is
    refused while its key is over the limit of unknown codes: the view calls
    `rate_limit.count_unknown_code(caller)` before it answers `unknown_coupon`.
    """

    http_method_names = METHODS  # type: ignore[assignment]
    authentication_classes: Any = (KeyAuthentication,)
    permission_classes: Any = (HasScope,)
    scopes: ClassVar[dict[str, Scope]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        methods = {name.upper() for name in METHODS if name != "head" and hasattr(cls, name)}
        if methods != cls.scopes.keys():
            raise TypeError(f"{cls.__name__}: scopes must name exactly {sorted(methods)}.")

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, CouponError):
            life_metrics.COUPON_REFUSALS.labels(exc.code).inc()
        return super().handle_exception(exc)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        caller = merchant_caller(request)
        if self.scopes.get(str(request.method)) is Scope.READ:  # a POST that writes nothing
            vars(request._request)["audit_reads_only"] = True
        rate_limit.check_requests_of(caller)
        if request.method == "POST" and not kwargs and self.scopes.get("POST") in _CODE_SCOPES:
            rate_limit.check_unknown_codes(caller)
