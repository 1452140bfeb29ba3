"""The names that the README and the landing page learn from."""

from __future__ import annotations

_NAMES = """
allosaurus ankylosaurus apatosaurus argentinosaurus baryonyx brachiosaurus camarasaurus carnotaurus
centrosaurus ceratosaurus chasmosaurus coelophysis compsognathus corythosaurus deinonychus dilophosaurus
diplodocus edmontosaurus eoraptor euoplocephalus gallimimus giganotosaurus herrerasaurus hypsilophodon
iguanodon kentrosaurus lambeosaurus maiasaura majungasaurus mamenchisaurus megalosaurus microraptor
ornithomimus oviraptor pachycephalosaurus parasaurolophus plateosaurus protoceratops psittacosaurus
saltasaurus sinosauropteryx spinosaurus stegosaurus styracosaurus suchomimus tarbosaurus therizinosaurus
triceratops troodon tyrannosaurus utahraptor velociraptor
"""
DINOSAURS = _NAMES.split()
