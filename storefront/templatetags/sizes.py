"""`{{ bytes|in_words }}`."""

from django import template

from common.sizes import in_words

register = template.Library()
register.filter("in_words", in_words)
