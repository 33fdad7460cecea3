// What a person does reaches the server in the order in which it was done. trame's client keeps what was chosen or typed back while a
// call is on its way, and lets a button that is pressed meanwhile overtake it: it would begin with what was chosen before.
(function () {
  "use strict";

  const trame = window.trame;
  const State = Object.getPrototypeOf(trame.state);
  const trigger = trame.trigger;

  function send(state) {
    const keys = [...state.dirtyKeys];
    if (!keys.length || !state.client.isConnected()) return null;
    state.dirtyKeys.clear();
    const changes = keys.map((key) => ({ key, value: state.get(key) }));
    // Where the connection is cut the page is loaded anew, with what the server knows.
    return state.client.getRemote().Trame.updateState(changes).catch(() => {});
  }

  // In place of trame's own, which lets other calls go first while it prepares what it sends; it too waits while the server is at
  // work, so that a slider does not fill the line.
  State.flush = async function (...keys) {
    keys.flat().forEach((key) => this.dirty(key));
    if (this.client.isBusy()) return;
    const sent = send(this);
    if (sent === null) return;
    await sent;
    await this.flush();
  };

  trame.trigger = (...call) => {
    send(trame.state);
    return trigger(...call);
  };

  window.lesionOrder = { sendChanges: () => send(trame.state) };
})();
