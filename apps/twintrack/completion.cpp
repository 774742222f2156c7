#include "completion.hpp"

#include <fmt/ranges.h>

#include <cstdio>

#include "jobs.hpp"

namespace twintrack::cli {
namespace {

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// The last word of "bundle create".
std::string word_of(const JobFacts& job) { return job.name.substr(job.name.rfind(' ') + 1); }

std::string group_of(const JobFacts& job) { return job.name.substr(0, job.name.size() - word_of(job).size()); }

bool is_folder(const OptionFacts& option) { return option.value.starts_with(kFolder); }
bool is_file(const OptionFacts& option) { return option.value.starts_with(kFile); }

const OptionFacts* argument_of(const JobFacts& job) {
  const auto found = std::ranges::find_if(job.options, [](const OptionFacts& o) { return o.names.empty(); });
  return found == job.options.end() ? nullptr : &*found;
}

// "/predict", "bundle/create": what the scripts compare "JOB SO FAR/WORD" with to find the job of a line.
std::vector<std::string> job_steps(const JobFacts& program) {
  std::vector<std::string> steps;
  for (const JobFacts* job : all_jobs(program)) {
    if (job->name.empty()) continue;
    const std::string group = group_of(*job);
    steps.push_back(group.substr(0, group.find_last_not_of(' ') + 1) + "/" + word_of(*job));
  }
  return steps;
}

// What bash does for the value of an option or argument.
std::string bash_action(const OptionFacts& option) {
  if (!option.choices.empty()) return fmt::format("choices='{}'", fmt::join(option.choices, " "));
  if (is_folder(option)) return "compopt -o dirnames; return";
  if (is_file(option)) return "compopt -o default; return";
  return "return";
}

std::string bash_values(const JobFacts& job) {
  std::string text;
  for (const OptionFacts& option : job.options) {
    if (option.is_flag() || option.names.empty()) continue;
    std::vector<std::string> patterns;
    for (const std::string& name : option.names) {
      patterns.push_back(fmt::format("'{} {} '{}", job.name, name, option.takes_several ? "*" : "0"));
    }
    text += fmt::format("    {}) {} ;;\n", fmt::join(patterns, " | "), bash_action(option));
  }
  return text;
}

std::string bash_words(const JobFacts& job) {
  std::vector<std::string> words;
  for (const JobFacts& inner : job.jobs) words.push_back(word_of(inner));
  for (const OptionFacts& option : job.options) {
    if (!option.names.empty()) words.push_back(option.names.back());
  }
  std::string action = fmt::format("choices='{}'", fmt::join(words, " "));
  if (const OptionFacts* const argument = argument_of(job)) {
    action = fmt::format("if [[ $cur == -* ]]; then {}; else {}; fi", action, bash_action(*argument));
  }
  return fmt::format("        '{}') {} ;;\n", job.name, action);
}

std::string in_quotes(const std::string& text) { return "'" + replaced(text, "'", "'\\''") + "'"; }

std::string zsh_function(const JobFacts& job) {
  return "_twintrack" + (job.name.empty() ? "" : "_" + replaced(replaced(job.name, " ", "_"), "-", "_"));
}

std::string zsh_action(const OptionFacts& option) {
  if (!option.choices.empty()) return fmt::format("({})", fmt::join(option.choices, " "));
  if (is_folder(option)) return "_directories";
  return is_file(option) ? "_files" : " ";
}

std::string zsh_option(const OptionFacts& option) {
  const std::string value = fmt::format("{}:{}", option.choices.empty() ? option.value : "value", zsh_action(option));
  if (option.names.empty()) return fmt::format(" \\\n    {}", in_quotes("1:" + value));
  const std::string description =
      replaced(replaced(replaced(option.description, "\\", "\\\\"), "[", "\\["), "]", "\\]");
  const std::string others = option.takes_several ? "*" : fmt::format("({})", fmt::join(option.names, " "));
  std::string text;
  for (const std::string& name : option.names) {
    const bool joins = !option.is_flag() && !option.takes_several && name.starts_with("--");  // --name=value
    std::string spec = fmt::format("{}{}{}[{}]", others, name, joins ? "=" : "", description);
    if (!option.is_flag()) spec += (option.takes_several ? ":*-*:" : ":") + value;
    text += fmt::format(" \\\n    {}", in_quotes(spec));
  }
  return text;
}

std::string zsh_job(const JobFacts& job) {
  std::string text = fmt::format("{}() {{\n", zsh_function(job));
  if (!job.jobs.empty()) text += "  local context state state_descr line\n  typeset -A opt_args\n";
  text += fmt::format("  _arguments -S{}", job.jobs.empty() ? "" : " -C");
  for (const OptionFacts& option : job.options) text += zsh_option(option);
  if (!job.jobs.empty()) {
    text += " \\\n    '1:job:->job' '*::argument:->arguments'\n  case $state in\n    job)\n      local -a jobs=(";
    for (const JobFacts& inner : job.jobs) {
      text += fmt::format("\n        {}", in_quotes(word_of(inner) + ":" + replaced(inner.description, ":", "\\:")));
    }
    text += "\n      )\n      _describe job jobs ;;\n    arguments)\n      case $words[1] in\n";
    for (const JobFacts& inner : job.jobs) {
      text += fmt::format("        {}) {} ;;\n", word_of(inner), zsh_function(inner));
    }
    text += "      esac ;;\n  esac";
  }
  return text + "\n}\n\n";
}

std::string fish_quoted(const std::string& text) {
  return "'" + replaced(replaced(text, "\\", "\\\\"), "'", "\\'") + "'";
}

std::string fish_value(const OptionFacts& option) {
  if (!option.choices.empty()) return fmt::format(" -x -a '{}'", fmt::join(option.choices, " "));
  if (is_folder(option)) return " -x -a '(__fish_complete_directories)'";
  return is_file(option) ? " -r -F" : " -x";
}

std::string fish_job(const JobFacts& job) {
  const std::string start =
      fmt::format("complete -c twintrack -n {}", fish_quoted("__twintrack_job_is " + fish_quoted(job.name)));
  std::string text;
  for (const JobFacts& inner : job.jobs) {
    text += fmt::format("{} -a {} -d {}\n", start, word_of(inner), fish_quoted(inner.description));
  }
  for (const OptionFacts& option : job.options) {
    text += start;
    for (const std::string& name : option.names) {
      text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    }
    if (!option.is_flag()) text += fish_value(option);
    text += fmt::format(" -d {}\n", fish_quoted(option.description));
  }
  return text;
}

}  // namespace

std::string bash_completion(const JobFacts& program) {
  std::string text =
      "# bash completion for twintrack, made by `twintrack completion bash`.\n"
      "_twintrack() {\n"
      "  local i word job='' option='' values=0 choices='' cur=${COMP_WORDS[COMP_CWORD]}\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    word=${COMP_WORDS[i]}\n";
  text += fmt::format(
      "    case \"$job/$word\" in\n"
      "      {}) job=\"${{job:+$job }}$word\" option='' ;;\n"
      "      */=) ;;  # bash takes --option=value apart\n"
      "      */-*) option=$word values=0 ;;\n"
      "      *) values=$((values + 1)) ;;\n"
      "    esac\n"
      "  done\n",
      fmt::join(job_steps(program), " | "));
  text +=
      "  [[ $cur == = ]] && cur=''\n"
      "  [[ $cur == -* ]] && option=''\n"
      "  case \"$job $option $values\" in\n";
  for (const JobFacts* job : all_jobs(program)) text += bash_values(*job);
  text += "    *)\n      case $job in\n";
  for (const JobFacts* job : all_jobs(program)) text += bash_words(*job);
  text +=
      "      esac ;;\n"
      "  esac\n"
      "  mapfile -t COMPREPLY < <(compgen -W \"$choices\" -- \"$cur\")\n"
      "}\n"
      "complete -F _twintrack twintrack\n";
  return text;
}

std::string zsh_completion(const JobFacts& program) {
  std::string text = "#compdef twintrack\n# zsh completion for twintrack, made by `twintrack completion zsh`.\n\n";
  for (const JobFacts* job : all_jobs(program)) text += zsh_job(*job);
  return text +
         "# Run as a function of $fpath, or sourced.\n"
         "if [[ $funcstack[1] == _twintrack ]]; then\n  _twintrack \"$@\"\nelse\n  compdef _twintrack twintrack\nfi\n";
}

std::string fish_completion(const JobFacts& program) {
  std::string text =
      "# fish completion for twintrack, made by `twintrack completion fish`.\n"
      "function __twintrack_job_is --description 'The line names this job so far'\n"
      "    set -l job\n"
      "    for word in (commandline -opc)[2..]\n"
      "        switch \"$job/$word\"\n";
  text += fmt::format("            case {}\n", fmt::join(job_steps(program), " "));
  text +=
      "                set job (string trim \"$job $word\")\n"
      "        end\n"
      "    end\n"
      "    test \"$job\" = \"$argv[1]\"\n"
      "end\n"
      "complete -c twintrack -f\n";
  for (const JobFacts* job : all_jobs(program)) text += fish_job(*job);
  return text;
}

void add_completion(CLI::App& app, ExitStatus& status) {
  const auto shell = std::make_shared<std::string>();
  CLI::App* const job = app.add_subcommand("completion", "Print the script that completes this program's commands");
  job->footer(
      "Examples:\n"
      "  twintrack completion bash > /etc/bash_completion.d/twintrack\n"
      "  twintrack completion zsh > /usr/local/share/zsh/site-functions/_twintrack\n"
      "  twintrack completion fish > ~/.config/fish/completions/twintrack.fish");
  job->add_option("shell", *shell, "The shell that is to complete")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  job->callback([shell, &app, &status] {
    const JobFacts program = inventory(app);
    fmt::print("{}", *shell == "bash"  ? bash_completion(program)
                     : *shell == "zsh" ? zsh_completion(program)
                                       : fish_completion(program));
    status = ExitStatus::done;
  });
}

}  // namespace twintrack::cli
