// charlm.js: character-level language models in a browser, a worker or Node, without any other program.
//
//   const model = await charlm.load(bytes);           // a Uint8Array or a base64 string, as charlm exports it
//   let state = model.start();                        // before the first character
//   for (const id of model.encode("To be")) state = state.step(id);
//   const probabilities = charlm.probabilities(state.logProbabilities, { temperature: 0.8, topK: 20, topP: 0.95 });
//   const next = model.decode([charlm.draw(probabilities, charlm.random(1)())]);
//
// charlm.models      the base64 of the models that come with this script, by name
// charlm.load        reads a model; throws a charlm.Error, whose message is a sentence for people, if it cannot
// Model              family, size, symbols, specials {bos, eos, unk}, ofRecords, blockSize, summary;
//                    encode(text), decode(ids), start()
// State              step(id), a new state; logProbabilities, logProbability(id), contextLength, attention,
//                    windowStart, shares. States never change, so going back is keeping an old one.
// charlm.probabilities(logProbabilities, {temperature, topK, topP}), charlm.random(seed), charlm.draw(probabilities, u)
//
// A model of records (model.ofRecords) ends each with model.specials.eos. All probabilities are those of the Python
// library charlm: of counts exactly, of a Transformer as exactly as weights of 8 bits are.
