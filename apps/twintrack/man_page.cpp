#include "man_page.hpp"

#include <fmt/ranges.h>

#include <cstdio>

#include "jobs.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/core/system.hpp"

namespace twintrack::cli {
namespace {

// As roff takes it for text: a backslash, a minus that stays one when it is copied, and no line that is a request.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '`' || c == '\'') {
      out += c == '`' ? "\\(ga" : "\\(aq";
    } else if (c == '~' || c == '^') {
      out += c == '~' ? "\\(ti" : "\\(ha";
    } else {
      out += c;
    }
  }
  return out.starts_with('.') ? "\\&" + out : out;
}

std::string paragraph(const std::string& text) { return ".PP\n" + escaped(text) + "\n"; }

std::string footer(const std::string& text) {
  std::string out;
  for (const FooterPart& part : footer_parts(text)) {
    if (part.is_example) {
      out += ".PP\n.RS 4\n.nf\n";
      for (const std::string& line : part.lines) out += escaped(line) + "\n";
      out += ".fi\n.RE\n";
    } else {
      out += paragraph(fmt::format("{}", fmt::join(part.lines, " ")));
    }
  }
  return out;
}

std::string option(const OptionFacts& facts) {
  std::vector<std::string> names;
  for (const std::string& name : facts.names) names.push_back("\\fB" + escaped(name) + "\\fR");
  std::string out = fmt::format(".TP\n{}", fmt::join(names, ", "));
  if (!facts.value.empty()) out += fmt::format("{}\\fI{}\\fR", names.empty() ? "" : " ", escaped(facts.value));
  out += "\n" + escaped(facts.description) + (facts.description.ends_with('.') ? "" : ".");
  if (facts.required) out += " Required.";
  if (!facts.range.empty()) out += " Allowed: " + escaped(facts.range) + ".";
  if (!facts.default_value.empty()) out += " Default: " + escaped(facts.default_value) + ".";
  if (!facts.environment.empty()) out += " Environment variable: " + escaped(facts.environment) + ".";
  return out + "\n";
}

std::string job(const JobFacts& facts) {
  std::string out = fmt::format(".SS twintrack {}\n{}.\n", escaped(facts.name), escaped(facts.description));
  for (const OptionFacts& one : facts.options) out += option(one);
  return out + footer(facts.footer);
}

std::string definition(const std::string& name, const std::string& text) {
  return fmt::format(".TP\n\\fB{}\\fR\n{}\n", escaped(name), escaped(text));
}

std::string exit_status() {
  return ".SH EXIT STATUS\n" + definition("0", "Done.") +
         definition("1", "Some cases of a folder failed; each is named, and the others are done.") +
         definition("2", "Wrong usage: an unknown job or option, or a value that an option does not take.") +
         definition("3", "Bad input: a file that is missing, damaged, or not what it should be.") +
         definition("4", "Out of memory or disk, or an output that cannot be written.") +
         definition("130", "Interrupted.");
}

std::string environment() {
  return ".SH ENVIRONMENT\n" +
         definition("OMP_NUM_THREADS", "Number of threads where --threads is not given (default: all processors).") +
         definition("NO_COLOR", "When set and not empty, messages on a terminal have no colour.") +
         definition("COLUMNS", "Width of progress lines, when the terminal's is not to be used.") +
         definition("TWINTRACK_PLUGINS", "Folder of the plug-in with libtorch (training, GPU).");
}

}  // namespace

std::string man_page(const JobFacts& program) {
  std::string out = fmt::format(
      ".\\\" Made by `twintrack man`.\n.TH TWINTRACK 1 \"\" \"twintrack {}\" \"User Commands\"\n", version());
  out += ".nh\n.SH NAME\ntwintrack \\- calibrated segmentation of pancreatic cancer on CT (research use only)\n";
  out += ".SH SYNOPSIS\n.B twintrack\n.I JOB\n.RI [ OPTIONS ]\n.br\n.B twintrack\n.RB [ \\-\\-help | \\-\\-version ]\n";
  out += ".SH DESCRIPTION\n" + escaped(program.description) + "\n" + paragraph(kResearchUse) + footer(program.footer);
  out += ".SH OPTIONS\n";
  for (const OptionFacts& one : program.options) out += option(one);
  out += ".SH JOBS\n";
  for (const JobFacts* one : all_jobs(program)) {
    if (!one->name.empty()) out += job(*one);
  }
  return out + exit_status() + environment();
}

void add_man(CLI::App& app, ExitStatus& status) {
  CLI::App* const job = app.add_subcommand("man", "Print the manual page (roff)");
  job->footer("Examples:\n  twintrack man | man -l -\n  twintrack man > /usr/local/share/man/man1/twintrack.1");
  job->callback([&app, &status] {
    fmt::print("{}", man_page(inventory(app)));
    status = ExitStatus::done;
  });
}

}  // namespace twintrack::cli
