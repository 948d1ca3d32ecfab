"""Generation marks for chat templates that were published without: which tokens are the assistant's.

Example:
    mark_replies(tokenizer)      # `labkit.models.load_tokenizer` does this
    tokenizer.apply_chat_template(turns, return_dict=True, return_assistant_tokens_mask=True)

The published templates of Qwen, Phi, Gemma, Llama and SmolLM2 have no `{% generation %}`, so the mask above
is all zeros, silently. TRL ships its own version of the best-known ones; ChatML's usual line is marked here.
A marked template is only taken if it writes the same text. Left out: unknown templates, which stay as they
are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import jinja2

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_MARK = re.compile(r"\{%-?\s*generation\s*-?%\}")
# One turn of ChatML, as SmolLM2 and Qwen1.5 write it; a line ends in it as itself or as Jinja's "\\n".
_TURN = "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
_MARKED_TURN = (
    "{{'<|im_start|>' + message['role'] + '\n'}}"
    "{% if message['role'] == 'assistant' %}"
    "{% generation %}{{message['content'] + '<|im_end|>'}}{% endgeneration %}"
    "{% else %}{{message['content'] + '<|im_end|>'}}{% endif %}{{'\n'}}"
)
_ASKED = [{"role": "user", "content": "One?"}]
_TALK = [*_ASKED, {"role": "assistant", "content": "1."}, {"role": "user", "content": "Two?"}]
_TALK += [{"role": "assistant", "content": "2."}]
_SYSTEM = [{"role": "system", "content": "Be brief."}]


def mark_replies(tokenizer: PreTrainedTokenizerBase) -> None:
    """Gives the tokenizer's chat template generation marks, if it has none and they are known."""
    template = tokenizer.chat_template
    if not isinstance(template, str) or _MARK.search(template):
        return
    made = template
    for end in ("\n", "\\n"):
        made = made.replace(_TURN.replace("\n", end), _MARKED_TURN.replace("\n", end))
    made = _of_trl(tokenizer) if made == template else made
    if made is not None and _texts(tokenizer, made) == _texts(tokenizer, template):
        tokenizer.chat_template = made


def _of_trl(tokenizer: PreTrainedTokenizerBase) -> str | None:
    from trl.chat_template_utils import get_training_chat_template

    try:
        return get_training_chat_template(tokenizer)
    except (ValueError, jinja2.TemplateError):  # a template that TRL doesn't know, or can't try out
        return None


def _texts(tokenizer: PreTrainedTokenizerBase, template: str) -> list[str | None]:
    """What a template makes of conversations and prompts; None: it refuses (Gemma has no system's turn)."""
    texts: list[str | None] = []
    for turns, asks in ((_TALK, False), (_SYSTEM + _TALK, False), (_ASKED, True), (_SYSTEM + _ASKED, True)):
        try:
            text = tokenizer.apply_chat_template(
                turns, chat_template=template, tokenize=False, add_generation_prompt=asks
            )
        except jinja2.TemplateError:
            text = None
        texts.append(text)
    return texts
