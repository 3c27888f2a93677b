"""Why a row or an order was not imported, as the report and the file of rejected rows say it."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache

from shared.language import Language, say, spoken

LONGEST_ID = 200  # characters, as the import call has it


class Reason(StrEnum):
    """Why a row was not imported; the value is what the report prints."""

    BAD_ROW = "bad_row"
    BAD_CHARACTERS = "bad_characters"
    NO_ORDER = "no_order_number"
    NO_CUSTOMER = "no_customer"
    BAD_DATE = "bad_date"
    BAD_QUANTITY = "bad_quantity"
    BAD_PRICE = "bad_price"
    BAD_CURRENCY = "bad_currency"
    NO_PRODUCT = "no_product_code"
    TOO_LONG = "too_long"
    STOCK_CORRECTION = "stock_correction"
    NOT_A_SALE = "not_a_sale"
    FREE_ORDER = "free_order"
    OTHER_CUSTOMER = "other_customer"
    OTHER_TOTAL = "other_total"
    UNSOLD = "unsold"
    ROUNDED = "rounded_number"
    SCATTERED = "scattered_order"
    REFUSED = "refused"


@cache
def _sentences(_language: Language) -> Mapping[Reason, str]:
    return {
        Reason.BAD_ROW: say("the row has not as many cells as the header", "这一行的单元格数与表头不同"),
        Reason.BAD_CHARACTERS: say(
            "the row holds bytes that are no text in the file's encoding",
            "这一行含有该文件编码无法解读的字节",
        ),
        Reason.NO_ORDER: say("the order number is empty", "订单号为空"),
        Reason.NO_CUSTOMER: say("the customer is not known", "没有客户"),
        Reason.BAD_DATE: say(
            "the date does not exist or is written in a way that we do not know (2011-12-09 12:50:00 is right)",
            "日期不存在或写法无法识别（正确写法如 2011-12-09 12:50:00）",
        ),
        Reason.BAD_QUANTITY: say("the quantity is not a whole number other than 0", "数量不是非零整数"),
        Reason.BAD_PRICE: say("the price is not a number of 0 or more", "价格不是大于等于 0 的数"),
        Reason.BAD_CURRENCY: say(
            "the currency is no ISO 4217 code (RMB is written CNY), or differs inside the order",
            "币种不是 ISO 4217 代码（人民币写作 CNY），或同一订单内币种不一",
        ),
        Reason.NO_PRODUCT: say("the product code is empty", "商品编码为空"),
        Reason.TOO_LONG: say(
            f"an order number, customer or product code is longer than {LONGEST_ID} characters",
            f"订单号、客户或商品编码超过 {LONGEST_ID} 个字符",
        ),
        Reason.STOCK_CORRECTION: say(
            "a negative quantity outside a cancellation corrects the stock, nobody bought it",
            "取消单之外的负数量是库存调整，没有人购买",
        ),
        Reason.NOT_A_SALE: say(
            "the code stands for a bank charge, a sample, a commission or a bad debt, not for a sale",
            "该编码代表手续费、样品、佣金或坏账，不是销售",
        ),
        Reason.FREE_ORDER: say("nothing in this order had a price", "这个订单没有金额"),
        Reason.OTHER_CUSTOMER: say("the order's first row names another customer", "同一订单的第一行是另一位客户"),
        Reason.OTHER_TOTAL: say(
            "the order's first row gives another total for the whole order",
            "同一订单的第一行给出的订单总额不同",
        ),
        Reason.UNSOLD: say(
            "by its status the order was not paid, was cancelled or was closed",
            "按订单状态，订单未付款、已取消或已关闭",
        ),
        Reason.ROUNDED: say(
            "a spreadsheet has rounded the number (1.93E+15): export the file again, and don't save it in Excel",
            "号码已被电子表格改写（1.93E+15）：请重新导出，不要用 Excel 另存",
        ),
        Reason.SCATTERED: say(
            "the other rows of this order stand far above; sort the file by order number",
            "同一订单的其他行在很前面；请按订单号排序",
        ),
        Reason.REFUSED: say(
            "the suite refused the order; the file of rejected rows says why", "服务拒绝了该订单，原因见拒收文件"
        ),
    }


def explanation(reason: Reason) -> str:
    """The reason as a sentence, in the language of the command line."""
    return _sentences(spoken())[reason]
