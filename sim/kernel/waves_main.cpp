// cocotb's main program for Verilator with a window on its waves. TESSERA_WAVES holds the first and the last picosecond
// that are written and the scopes whose signals are, all by default. cocotb's own writes everything from 0 to the end.

#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

#include "Vtop.h"
#include "verilated.h"
#if VM_TRACE_FST
#include "verilated_fst_c.h"
using Trace = VerilatedFstC;
#elif VM_TRACE_SAIF
#include "verilated_saif_c.h"
using Trace = VerilatedSaifC;
#else
#include "verilated_vcd_c.h"
using Trace = VerilatedVcdC;
#endif

class WindowedTrace : public Trace {
  uint64_t first = 0, last = UINT64_MAX;

 public:
  void open(const char *file) override {
    const char *const wanted = std::getenv("TESSERA_WAVES");
    std::istringstream words{wanted ? wanted : ""};
    words >> first >> last;
    for (std::string scope; words >> scope;) dumpvars(1 << 20, scope);
    Trace::open(file);
  }

  // Not virtual in Verilator: the main program calls it by this class's name.
  void dump(uint64_t time) {
    if (time < first || !isOpen()) return;
    if (time > last) {
      close();  // the file is whole from here on, whatever becomes of the run
    } else {
      Trace::dump(time);
    }
  }
};

#define VerilatedFstC WindowedTrace
#define VerilatedSaifC WindowedTrace
#define VerilatedVcdC WindowedTrace
#include "verilator.cpp"
