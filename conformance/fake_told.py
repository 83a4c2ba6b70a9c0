"""What is told of a text: how likely its tokens were, and where it comes from."""

WORDS = ["The ", "sea ", "is ", "wide."]
TEXT = "".join(WORDS)

LIKELY = [(word, -0.25 * place) for place, word in enumerate(WORDS)]
UNLIKELY = "lake "
PAGE = ("https://example.com/sea", "The sea")
CITED = "sea is"
BEGIN = TEXT.index(CITED)
PLACE = {"start_index": BEGIN, "end_index": BEGIN + len(CITED)}


def openai_odds(pairs):
    """As both of OpenAI's APIs list them."""
    def token(text, logprob):
        return {"token": text, "logprob": logprob, "bytes": list(text.encode())}
    return [{**token(*pair), "top_logprobs": [token(*pair), token(UNLIKELY, -9.5)]} for pair in pairs]


def gemini_odds(pairs):
    def token(text, logprob):
        return {"token": text, "tokenId": 7, **({"logProbability": logprob} if logprob else {})}
    tops = [{"candidates": [token(*pair), token(UNLIKELY, -9.5)]} for pair in pairs]
    return {"chosenCandidates": [token(*pair) for pair in pairs], "topCandidates": tops}


def page():
    return {"type": "url_citation", "url": PAGE[0], "title": PAGE[1], **PLACE}


def chat_page():
    return {"type": "url_citation", "url_citation": {"url": PAGE[0], "title": PAGE[1], **PLACE}}


def grounding():
    segment = {"startIndex": BEGIN, "endIndex": BEGIN + len(CITED), "text": CITED}
    supports = [{"segment": segment, "groundingChunkIndices": [0], "confidenceScores": [0.9]}]
    return {"groundingChunks": [{"web": {"uri": PAGE[0], "title": PAGE[1]}}], "groundingSupports": supports}
