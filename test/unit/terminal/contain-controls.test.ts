import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contain, containControls, hasControls } from '../../../src/terminal/contain-controls.ts';

const red = '\u001B[31m';
const reset = '\u001B[0m';
const plain = (line: string) => contain(line, { colours: false }).text;

test('colours stay; what moves the cursor, erases or speaks to the terminal goes', () => {
  assert.equal(containControls('plain\ttext é🚀'), 'plain\ttext é🚀');
  assert.equal(containControls(`\u001B[1;31mred${reset}`), `\u001B[1;31mred${reset}`);
  assert.equal(containControls('\u001B[2J\u001B[3A\u001B[?25htext\u001B[K'), 'text');
  assert.equal(containControls('\u001B]0;a title\u0007text'), 'text');
  assert.equal(containControls('\u001B]8;;http://a\u001B\\link\u001B]8;;\u001B\\'), 'link');
  assert.equal(containControls('\u001BP1$r\u001B\\\u001B(Btext\u001B7'), 'text');
  assert.equal(containControls('\u001Bctext\u0007\b'), 'text');
  assert.equal(
    containControls('\u001B[>4;2mtext\u001B[4'),
    'text',
    'what only looks like a colour, and what breaks off',
  );
});

test('the one-byte forms of the same go too', () => {
  assert.equal(containControls('\u009B2Jtext\u009D0;a title\u009C\u0085'), 'text');
  assert.equal(containControls('\u009B31mred'), `${red}red${reset}`);
});

test('NUL and the other controls that a program prints by mistake go', () => {
  assert.equal(containControls('a\0b\u007Fc\u000Bd'), 'abcd');
  assert.equal(hasControls('a\tb é\u00A0日本 🚀\uFFFD'), false);
  assert.equal(hasControls('a\0'), true);
});

test('without colours nothing of them is left', () => {
  assert.equal(plain(`${red}red\u001B[38;2;1;2;3m, more${reset}`), 'red, more');
});

test('colours are ended only where the program has not', () => {
  assert.equal(containControls(`${red}red`), `${red}red${reset}`);
  assert.equal(containControls(`${red}red\u001B[39m text`), `${red}red\u001B[39m text`);
  assert.equal(containControls('\u001B[1;4mbold\u001B[22;24m'), '\u001B[1;4mbold\u001B[22;24m');
  assert.equal(containControls('\u001B[1;2mboth\u001B[22m'), '\u001B[1;2mboth\u001B[22m');
  assert.equal(containControls('\u001B[31;42mboth\u001B[39m'), `\u001B[31;42mboth\u001B[39m${reset}`);
  assert.equal(containControls('\u001B[38;5;0mindexed\u001B[m'), '\u001B[38;5;0mindexed\u001B[m');
  assert.equal(containControls('\u001B[4:3mcurly\u001B[4:0m'), '\u001B[4:3mcurly\u001B[4:0m');
});

test('what a line leaves on is told, and begins the next', () => {
  const first = contain('\u001B[1m\u001B[38;5;9mone', { colours: true });
  assert.equal(first.open, '1;38;5;9');
  const second = contain('two', { colours: true, open: first.open });
  assert.deepEqual(second, { text: `\u001B[1;38;5;9mtwo${reset}`, open: first.open });
  assert.deepEqual(contain(`three${reset}`, { colours: true, open: first.open }), {
    text: `\u001B[1;38;5;9mthree${reset}`,
    open: '',
  });
});

test('of a progress bar the last state is left', () => {
  assert.equal(containControls('10%\r20%\r30%'), '30%');
  assert.equal(containControls('10%\r20%\r'), '20%');
  assert.equal(containControls('10%\r\u001B[K20%\r\u001B[K'), '', 'it was erased');
  assert.equal(containControls('\u001B[2K\u001B[1G⠋ one\u001B[2K\u001B[1G⠙ two'), '⠙ two');
  assert.equal(containControls(`${red}10%\r20%${reset}`), `${red}20%${reset}`, 'in its colour');
  assert.equal(plain(`${red}10%\r20%${reset}`), '20%');
});
