"""Identifies the languages of sentences, and the parts of a mixed one, with one model per language."""

from charlm import TextClassifier

TEXTS = {
    "English": """all human beings are born free and equal in dignity and rights. they are endowed with reason and
        conscience and should act towards one another in a spirit of brotherhood. everyone has the right to life,
        liberty and security of person. no one shall be held in slavery. everyone has the right to recognition
        everywhere as a person before the law.""",
    "Deutsch": """alle menschen sind frei und gleich an würde und rechten geboren. sie sind mit vernunft und gewissen
        begabt und sollen einander im geist der brüderlichkeit begegnen. jeder hat das recht auf leben, freiheit und
        sicherheit der person. niemand darf in sklaverei gehalten werden. jeder hat das recht, überall als
        rechtsfähig anerkannt zu werden.""",
    "français": """tous les êtres humains naissent libres et égaux en dignité et en droits. ils sont doués de raison et
        de conscience et doivent agir les uns envers les autres dans un esprit de fraternité. tout individu a droit à
        la vie, à la liberté et à la sûreté de sa personne. nul ne sera tenu en esclavage. chacun a le droit à la
        reconnaissance en tous lieux de sa personnalité juridique.""",
}
SENTENCES = ["the weather is fine today", "das wetter ist heute schön", "il fait beau aujourd'hui", "internet"]
MIXED = "jeder soll es mit vernunft sagen: the law is the same everywhere, et tout le monde est d'accord"


def main() -> tuple[list[tuple[str, float]], list[tuple[str, str]]]:
    """Returns the language of each sentence with its probability, and the parts of the mixed text with theirs."""
    classifier = TextClassifier.fit({language: " ".join(text.split()) for language, text in TEXTS.items()})
    probabilities = classifier.probabilities(SENTENCES)
    best = list(zip(classifier.classify(SENTENCES), probabilities.max(axis=1).tolist(), strict=True))
    return best, [(span.label, MIXED[span.start : span.end]) for span in classifier.segment(MIXED)]


if __name__ == "__main__":
    languages, parts = main()
    for (language, probability), sentence in zip(languages, SENTENCES, strict=True):
        print(f"{language:10} {probability:7.2%}  {sentence}")
    for language, part in parts:
        print(f"{language:10} {part}")
