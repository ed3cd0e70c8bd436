// A simulated board: the verilated host top, and a UART between its pins and a pseudo-terminal.
//
// Usage: program LINK DIVISOR [+latency=N …]. LINK becomes a symbolic link to the terminal, which the host opens as
// the board's serial port; DIVISOR is the number of clock cycles of a bit. The program runs until it is told to end, or
// until the process that started it has ended. On its end it says on stdout how many cycles it ran, and how many bytes
// went each way.

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/prctl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>

#include "Vtop.h"
#include "verilated.h"

namespace {

constexpr int SLICE = 4096;   // cycles between two looks at the terminal
constexpr int RESTING = 1;    // milliseconds that a board with nothing to do waits for bytes in a look
constexpr size_t AHEAD = 512;  // bytes that are taken from the terminal before the line has room: several slices of them

volatile sig_atomic_t ended = 0;
void end(int) { ended = 1; }

// Sends bytes on the pin `receive` of the board, as its host does.
class Sender {
 public:
  explicit Sender(int divisor) : divisor(divisor) {}
  void give(uint8_t byte) { waiting.push_back(byte); }
  size_t held() const { return waiting.size() + (left > 0); }

  // The pin's value in the next cycle.
  int step() {
    if (wait > 0) {
      --wait;
      return pin;
    }
    if (left == 0) {
      if (waiting.empty()) return pin = 1;
      bits = (waiting.front() << 1) | 0x200;
      waiting.pop_front();
      left = 10;
    }
    pin = bits & 1;
    bits >>= 1;
    --left;
    wait = divisor - 1;
    return pin;
  }

 private:
  const int divisor;
  std::deque<uint8_t> waiting;
  unsigned bits = 0;
  int left = 0, wait = 0, pin = 1;
};

// Takes bytes from the pin `send` of the board: each bit in its middle.
class Taker {
 public:
  explicit Taker(int divisor) : divisor(divisor) {}
  std::string taken;

  void step(int pin) {
    if (place < 0) {
      if (pin == 0) {
        place = 0;
        wait = divisor / 2;
      }
    } else if (wait > 0) {
      --wait;
    } else {
      sample(pin);
      wait = divisor - 1;
    }
  }
  bool resting() const { return place < 0; }

 private:
  void sample(int pin) {
    if (place > 0 && place < 9) bits |= pin << (place - 1);
    if (++place < 10) return;
    if (pin) taken.push_back(static_cast<char>(bits));
    bits = 0;
    place = -1;
  }

  const int divisor;
  unsigned bits = 0;
  int place = -1, wait = 0;
};

// A terminal in raw mode, and the symbolic link that leads to it.
int open_terminal(const char *link) {
  int host, board;
  char name[256];
  if (openpty(&board, &host, name, nullptr, nullptr)) {
    perror("openpty");
    exit(1);
  }
  termios raw;
  tcgetattr(host, &raw);
  cfmakeraw(&raw);
  tcsetattr(host, TCSANOW, &raw);
  fcntl(board, F_SETFL, O_NONBLOCK);
  const std::string next = std::string(link) + ".next";  // renamed: the link never leads elsewhere or nowhere
  unlink(next.c_str());
  if (symlink(name, next.c_str()) || rename(next.c_str(), link)) {
    perror(link);
    exit(1);
  }
  return board;  // the other end stays open here, so that a host may come and go
}

// Moves bytes between terminal and pins; waits for some where the board has nothing to do.
void exchange(int terminal, Sender &sender, Taker &taker, bool resting, uint64_t &bytes_in, uint64_t &bytes_out) {
  pollfd look{terminal, POLLIN, 0};
  if (poll(&look, 1, resting ? RESTING : 0) > 0 && sender.held() < AHEAD) {
    uint8_t bytes[AHEAD];
    const ssize_t got = read(terminal, bytes, sizeof bytes);
    for (ssize_t k = 0; k < got; ++k) sender.give(bytes[k]);
    if (got > 0) bytes_in += got;
  }
  if (!taker.taken.empty()) {
    const ssize_t put = write(terminal, taker.taken.data(), taker.taken.size());
    if (put > 0) {
      taker.taken.erase(0, put);
      bytes_out += put;
    }
  }
}

}  // namespace

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: %s LINK DIVISOR\n", argv[0]);
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  signal(SIGTERM, end);
  signal(SIGINT, end);
  VerilatedContext context;
  context.commandArgs(argc, argv);
  Vtop top{&context};
  const int divisor = atoi(argv[2]), terminal = open_terminal(argv[1]);
  Sender sender{divisor};
  Taker taker{divisor};
  uint64_t cycles = 0, bytes_in = 0, bytes_out = 0;
  top.rst = 1;
  top.receive = 1;
  while (!ended) {
    for (int k = 0; k < SLICE; ++k, ++cycles) {
      if (cycles == 8) top.rst = 0;
      top.receive = sender.step();
      top.clk = 0;
      top.eval();
      top.clk = 1;
      top.eval();
      taker.step(top.send);
    }
    const bool resting = !sender.held() && taker.resting() && !top.run;
    exchange(terminal, sender, taker, resting, bytes_in, bytes_out);
  }
  printf("%llu cycles, %llu bytes in, %llu bytes out\n", static_cast<unsigned long long>(cycles),
         static_cast<unsigned long long>(bytes_in), static_cast<unsigned long long>(bytes_out));
  top.final();
  return 0;
}
