"""Identifies which of three languages a sentence is in, with one model per language."""

from charlm import CharLM, classify

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
SENTENCES = ["the weather is fine today", "das wetter ist heute schön", "il fait beau aujourd'hui"]


def main() -> list[str]:
    """Returns the language of each sentence."""
    models = {language: CharLM.fit(" ".join(text.split()), order=4) for language, text in TEXTS.items()}
    return classify(models, SENTENCES)


if __name__ == "__main__":
    for language, sentence in zip(main(), SENTENCES, strict=True):
        print(f"{language:10} {sentence}")
