from chartok.codepoints import count_characters as count_characters
from chartok.encode import encode_file as encode_file
from chartok.encode import encode_files as encode_files
from chartok.encode_iterable import encode_texts as encode_texts
from chartok.errors import FileDecodeError as FileDecodeError
from chartok.errors import SourceError as SourceError
from chartok.errors import TokenFileError as TokenFileError
from chartok.errors import TokenIdError as TokenIdError
from chartok.errors import UnknownCharacterError as UnknownCharacterError
from chartok.errors import VocabularyError as VocabularyError
from chartok.files.counts import read_counts as read_counts
from chartok.files.reading import ReadingSettings as ReadingSettings
from chartok.files.records import read_records as read_records
from chartok.files.text import read_text as read_text
from chartok.incremental import IncrementalEncoder as IncrementalEncoder
from chartok.token_file import TokenFile as TokenFile
from chartok.token_writer import TokenFileWriter as TokenFileWriter
from chartok.vocabulary import Vocabulary as Vocabulary

__all__: list[str]  # noqa: PYI035 - made from the table at run time
__version__: str
