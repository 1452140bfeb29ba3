"use strict";
// Says in a sentence why the page cannot be used. Written for the oldest of browsers: it runs before the other scripts,
// which an old browser cannot even parse.

var playground = { isStarted: false };

/** Shows a sentence in the place of the page. */
playground.refuse = function (sentence) {
  var trouble = document.getElementById("trouble");
  trouble.textContent = sentence;
  trouble.hidden = false;
};

document.getElementById("lead").textContent = "Unpacking the model…";

playground.tooOld =
  "This browser is too old for this page. Open it in a current Firefox, Chrome, Edge or Safari, on any computer or phone.";

window.onerror = function (message) {
  playground.refuse(playground.isStarted ? "Something went wrong: " + message + ". Reload the page." : playground.tooOld);
};
