"""The rule tables in common use, with what to do next, in English and Chinese."""

from __future__ import annotations

from typing import Literal, TypeAlias

from customer_value.rfm.rules import RfmRules, RfmSegment, ScoreRange

RuleName: TypeAlias = Literal["rfm_list_125", "rfm_grid_25", "rfm_r_package", "rfm_eight_types"]
"""Names of the bundled rule tables."""

_LABELS = {
    "champions": (
        "冠军客户",
        "Reward them, and show them new products first.",
        "优先推荐新品。给予专属奖励。",
    ),
    "loyal": (
        "忠诚客户",
        "Offer better products, and ask for reviews.",
        "推荐更优质的产品。邀请评价。",
    ),
    "potential_loyalist": (
        "潜在忠诚客户",
        "Offer membership and related products.",
        "邀请入会。推荐相关产品。",
    ),
    "new_customers": (
        "新客户",
        "Help them to a good start, and stay in touch.",
        "做好新客引导。保持联系。",
    ),
    "promising": (
        "有潜力客户",
        "Make the brand known to them with trials and small offers.",
        "用试用和小额优惠增进品牌认知。",
    ),
    "need_attention": (
        "需关注客户",
        "Make a limited offer that fits past purchases.",
        "按以往购买提供限时优惠。",
    ),
    "about_to_sleep": (
        "即将沉睡客户",
        "Remind them with popular products at a discount.",
        "用热销产品和折扣唤起兴趣。",
    ),
    "at_risk": (
        "流失风险客户",
        "Write personally and offer a reason to come back.",
        "一对一沟通。给出回来的理由。",
    ),
    "cannot_lose_them": (
        "不可流失客户",
        "Call them and win them back before a competitor does.",
        "电话联系。赶在竞争对手之前挽回。",
    ),
    "hibernating": (
        "沉睡客户",
        "Recall the brand with relevant products at a low cost.",
        "以低成本推送相关产品。重提品牌。",
    ),
    "lost": (
        "已流失客户",
        "Try one campaign to win them back, otherwise leave them.",
        "尝试一次召回活动。否则不再投入。",
    ),
    "important_value": (
        "重要价值",
        "Give them the best service and keep them.",
        "提供最优服务。重点维系。",
    ),
    "important_develop": (
        "重要发展",
        "Raise how often they buy, with membership and bundles.",
        "用会员权益和组合购买提高频次。",
    ),
    "important_keep": (
        "重要保持",
        "Get in touch now and bring them back to buying.",
        "立即联系。促成再次购买。",
    ),
    "important_win_back": (
        "重要挽留",
        "Find out why they left and win them back in person.",
        "了解流失原因。专人挽回。",
    ),
    "general_value": (
        "一般价值",
        "Raise how much they spend, with better products.",
        "推荐更优质的产品。提高客单价。",
    ),
    "general_develop": (
        "一般发展",
        "Lead them to a next purchase with low-cost offers.",
        "用低成本优惠引导再次购买。",
    ),
    "general_keep": (
        "一般保持",
        "Remind them now and then with offers at a discount.",
        "不时以折扣优惠提醒。",
    ),
    "general_win_back": (
        "一般挽留",
        "Spend little on them: automatic mails only.",
        "少投入。仅自动邮件触达。",
    ),
}
_SAME_AS = {
    "loyal_customers": "loyal",
    "potential_loyalists": "potential_loyalist",
    "cant_lose": "cannot_lose_them",
    "cant_lose_them": "cannot_lose_them",
}


def _labelled(
    name: str,
    cells: str = "",
    recency: ScoreRange | None = None,
    frequency: ScoreRange | None = None,
    monetary: ScoreRange | None = None,
) -> RfmSegment:
    name_zh, action, action_zh = _LABELS[_SAME_AS.get(name, name)]
    return RfmSegment(
        name=name,
        cells=tuple(cells.split()),
        recency=recency,
        frequency=frequency,
        monetary=monetary,
        action=action,
        action_zh=action_zh,
        name_zh=name_zh,
    )


_LIST_125 = {
    "champions": "555 554 544 545 454 455 445",
    "loyal": "543 444 435 355 354 345 344 335",
    "potential_loyalist": (
        "553 551 552 541 542 533 532 531 452 451 442 441 431 453 433 432 423 353 352 351 "
        "342 341 333 323"
    ),
    "new_customers": "512 511 422 421 412 411 311",
    "promising": "525 524 523 522 521 515 514 513 425 424 413 414 415 315 314 313",
    "need_attention": "535 534 443 434 343 334 325 324",
    "about_to_sleep": "331 321 312 221 213 231 241 251",
    "at_risk": (
        "255 254 245 244 253 252 243 242 235 234 225 224 153 152 145 143 142 135 134 133 125 124"
    ),
    "cannot_lose_them": "155 154 144 214 215 115 114 113",
    "hibernating": "332 322 233 232 223 222 132 123 122 212 211",
    "lost": "111 112 121 131 141 151",
}

RFM_LIST_125 = RfmRules(
    name="rfm_list_125",
    version="1",
    segments=tuple(_labelled(name, cells) for name, cells in _LIST_125.items()),
)
"""The 125 cells of five bins in eleven segments, as in common use; every cell in exactly one."""

RFM_GRID_25 = RfmRules(
    name="rfm_grid_25",
    version="1",
    segments=(
        _labelled("hibernating", recency=(1, 2), frequency=(1, 2)),
        _labelled("at_risk", recency=(1, 2), frequency=(3, 4)),
        _labelled("cant_lose", recency=(1, 2), frequency=(5, 5)),
        _labelled("about_to_sleep", recency=(3, 3), frequency=(1, 2)),
        _labelled("need_attention", recency=(3, 3), frequency=(3, 3)),
        _labelled("loyal_customers", recency=(3, 4), frequency=(4, 5)),
        _labelled("promising", recency=(4, 4), frequency=(1, 1)),
        _labelled("new_customers", recency=(5, 5), frequency=(1, 1)),
        _labelled("potential_loyalists", recency=(4, 5), frequency=(2, 3)),
        _labelled("champions", recency=(5, 5), frequency=(4, 5)),
    ),
)
"""Recency by frequency on five bins, whatever the monetary score; every cell in exactly one."""

RFM_R_PACKAGE = RfmRules(
    name="rfm_r_package",
    version="1",
    segments=(
        _labelled("champions", recency=(5, 5), frequency=(5, 5), monetary=(5, 5)),
        _labelled("potential_loyalist", recency=(3, 5), frequency=(3, 5), monetary=(2, 5)),
        _labelled("loyal_customers", recency=(2, 4), frequency=(2, 4), monetary=(2, 4)),
        _labelled("promising", recency=(3, 4), frequency=(1, 3), monetary=(3, 5)),
        _labelled("new_customers", recency=(4, 5), frequency=(1, 3), monetary=(1, 5)),
        _labelled("cant_lose_them", recency=(1, 2), frequency=(3, 4), monetary=(4, 5)),
        _labelled("at_risk", recency=(1, 2), frequency=(2, 5), monetary=(4, 5)),
        _labelled("need_attention", recency=(1, 3), frequency=(3, 5), monetary=(3, 5)),
        _labelled("about_to_sleep", recency=(2, 3), frequency=(1, 3), monetary=(1, 4)),
        _labelled("lost", recency=(1, 1), frequency=(1, 5), monetary=(1, 5)),
    ),
    fallback="others",
)
"""The table in the README of the R package rfm 0.3.0, on five bins.

Its ranges overlap on 58 of 125 cells, so that their order counts, and leave 10 to the fallback.
Only 555 is a champion; 554 and 544 are potential loyalists.
"""

RFM_EIGHT_TYPES = RfmRules(
    name="rfm_eight_types",
    version="1",
    segments=(
        _labelled("important_value", "222"),
        _labelled("important_develop", "212"),
        _labelled("important_keep", "122"),
        _labelled("important_win_back", "112"),
        _labelled("general_value", "221"),
        _labelled("general_develop", "211"),
        _labelled("general_keep", "121"),
        _labelled("general_win_back", "111"),
    ),
    bins=2,
)
"""High or low on each dimension: the eight types of customers in common use in China.

Made for two bins, where score 2 is high: on recency that is the customers who bought of late. A
scale with two quantile bins cuts each dimension at its median. To compare with the means instead,
give them as breaks: `RfmOptions(method="breaks", recency_breaks=(mean_days,), ...)`. Either way, a
value equal to the cut point lies below it: low in frequency and money, high in recency.
"""

RULE_TABLES: dict[str, RfmRules] = {
    table.name: table for table in (RFM_LIST_125, RFM_GRID_25, RFM_R_PACKAGE, RFM_EIGHT_TYPES)
}
"""The bundled tables by their names."""
