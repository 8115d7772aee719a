#!/usr/bin/env python3
"""Makes small models of SentencePiece and what transformers' tokenizers make of texts in many scripts with them.

    python make_sentencepiece.py OUT

OUT/KIND has the model, tokenizer_config.json and ids.json: a list of pairs of a text and its token ids, of XLMRobertaTokenizer,
T5Tokenizer and NllbTokenizer. Needs sentencepiece, protobuf and transformers.
"""
import json
import os
import pathlib
import random
import sys
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import sentencepiece

SENTENCES = """a photo of a cat on the sofa
two red boats in a harbour at night, seen from above
Ein Foto von einem kleinen Hund im Schnee
Eine Straße mit gelben Häusern und Bäumen
une photo d'un chat noir sur une chaise
Des enfants jouent près de l'école, l'été
una playa con palmeras y niños jugando
O gato está a dormir à sombra da árvore
Älgen är skogens konung och går över vägen
Zdjęcie czarnego kota na żółtej łódce
Fotka malého psa, který běží přes louku
Köpek karda koşuyor, çocuklar gülüyor
Hình ảnh một con mèo ngồi trên ghế
Фотография большой собаки на снегу
Дети играют в парке возле школы
Φωτογραφία μιας γάτας πάνω στο τραπέζι
صورة قطة على الكرسي في الحديقة
عکس یک سگ در برف کنار خانه
תמונה של כלב קטן בשלג ליד הבית
बर्फ में एक छोटे कुत्ते की तस्वीर
টেবিলের উপর একটি বিড়ালের ছবি
மேசையில் ஒரு பூனையின் படம்
ภาพถ่ายของแมวบนโต๊ะในสวน
რუკა და ძაღლი თოვლში სახლთან
ձյան մեջ փոքրիկ շան լուսանկար
雪の中の小さな犬の写真です
机の上に黒い猫が座っています
一张小狗在雪地里的照片
桌子上有一只黑猫和两个苹果
눈 속의 작은 강아지 사진
책상 위에 검은 고양이가 앉아 있다
የድመት ፎቶ በጠረጴዛ ላይ""".split("\n")
ODD = ["", " ", "  leading and   inner   spaces ", "tab\tand\nnew line", "ﬁligree ﬂow ½ ① ㎞ Ⅳ", "ＦＵＬＬ ｗｉｄｔｈ ｶﾀｶﾅ", "e\u0301 and \u00e9, n\u0303 and \u00f1",
       "\U0001F600 smile \U0001F468\u200d\U0001F469\u200d\U0001F467 \u2764\ufe0f", "a\u00a0b\u2003c\u200bd\ufeffe", "12:30, 3.14 & 50 % - \"quoted\" 'single'",
       "https://example.org/a?b=c#d", "▁ already ▁▁ here", "</s> <unk> <pad> <s>", "a</s>b", "ABC abc ÄÖÜ ß ẞ", "xyz" * 9, "\u202eright to left\u202c",
       "\u0000\u0007 control", "\ud7a3\u1100\u1161 jamo", "ﷺ ligature", "🇩🇪🇫🇷", "ｱ゙ ﾊﾟ", "Ǆ ǅ ǆ", "…‥·—–-", "¿Qué? ¡Sí!"]


def texts():
    draw = random.Random(0)
    words = [w for s in SENTENCES for w in s.split()]
    mixed = [" ".join(draw.choice(words) for _ in range(draw.randint(1, 9))) for _ in range(220)]
    cut = [s[draw.randint(0, len(s) - 1):] for s in SENTENCES]
    return SENTENCES + ODD + cut + mixed


def train(path, kind, **options):
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as corpus:
        corpus.write("\n".join(t.replace("\0", "") for t in texts()))
        corpus.flush()
        sentencepiece.SentencePieceTrainer.train(input=corpus.name, model_prefix=str(path), model_type=kind, character_coverage=0.985,
                                                 minloglevel=2, num_threads=1, **options)
    path.with_name(path.name + ".vocab").unlink()


def main():
    out = pathlib.Path(sys.argv[1])
    from transformers import NllbTokenizer, T5Tokenizer, XLMRobertaTokenizer
    fairseq = dict(unk_id=0, bos_id=1, eos_id=2, pad_id=-1)
    for kind, file, cls, model, options in (
            ("spm-xlmr", "sentencepiece.bpe", XLMRobertaTokenizer, "unigram", dict(vocab_size=540, **fairseq)),
            ("spm-mt5", "spiece", T5Tokenizer, "unigram", dict(vocab_size=530, pad_id=0, eos_id=1, unk_id=2, bos_id=-1)),
            ("spm-nllb", "sentencepiece.bpe", NllbTokenizer, "bpe", dict(vocab_size=620, normalization_rule_name="nfkc", **fairseq))):
        folder = out / kind
        folder.mkdir(parents=True, exist_ok=True)
        train(folder / file, model, **options)
        (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": cls.__name__}) + "\n")
        tokenizer = cls.from_pretrained(str(folder), **({"extra_ids": 0} if cls is T5Tokenizer else {}))
        # transformers 5 makes NllbTokenizer of a model alone without its languages, and takes <unk> for the first token
        rows = [[text, tokenizer(text).input_ids[cls is NllbTokenizer:]] for text in texts()]
        (folder / "ids.json").write_text("[\n" + ",\n".join(json.dumps(r, ensure_ascii=False) for r in rows) + "\n]\n")
        print(kind, len(rows), len(tokenizer), sum(f.stat().st_size for f in folder.iterdir()), rows[0], rows[12],
              sentencepiece.SentencePieceProcessor(model_file=str(folder / (file + ".model"))).encode(rows[0][0]))


if __name__ == "__main__":
    main()
