// kemi-wasm module test: each case is a call as a script writes it, and what is expected of it.
export const grants = ['edit'];
export const modparams = { entry: ['49=>carrier-a', '4930=>carrier-b', '1=>carrier-c'] };

export default [
  { name: 'the longest prefix wins', call: "KSR.numport.lookup('493012345')", expect: 'carrier-b' },
  { name: 'a shorter prefix', call: "KSR.numport.lookup('498912345')", expect: 'carrier-a' },
  { name: "a number that is nobody's", call: "KSR.numport.lookup('33')", expect: null },
  { name: 'no number at all', call: "KSR.numport.lookup('')", expect: null },
  {
    name: 'mark() reads a header and appends one',
    headers: { 'X-Number': '12025550100' },
    call: 'KSR.numport.mark()',
    expect: 1,
    message: /\r\nX-Carrier: carrier-c\r\n/,
  },
  { name: 'mark() without a number', call: 'KSR.numport.mark()', expect: -1 },
];
