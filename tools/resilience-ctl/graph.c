/* SPDX-License-Identifier: GPL-3.0-or-later */
/* graph.c - what depends on what, as lines, for graphviz, or drawn by its `dot`. */
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/resilience-ctl/ctl.h"

/* A quoted string of the DOT language; a zone's names may hold anything. */
static void put_quoted(FILE *out, struct rsm_value value)
{
    struct rsm_bytes text = rsm_value_octets(value);
    fputc('"', out);
    for (size_t i = 0; i < text.size; i++) {
        int c = text.data[i];
        if (c == '"' || c == '\\')
            fputc('\\', out);
        fputc(c < 32 ? ' ' : c, out);
    }
    fputc('"', out);
}

static void print_dot(FILE *out, struct rsm_value edges)
{
    struct rsm_walk walk = rsm_walk_begin(edges);
    struct rsm_value edge;
    fputs("digraph dependencies {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans\"];\n", out);
    while (rsm_walk_next(&walk, &edge)) {
        fputs("  ", out);
        put_quoted(out, rsm_value_get(edge, "from"));
        fputs(" -> ", out);
        put_quoted(out, rsm_value_get(edge, "to"));
        fputs(" [label=", out);
        put_quoted(out, rsm_value_get(edge, "type"));
        fputs(rsm_value_bool(rsm_value_get(edge, "decides")) ? "];\n" : ", style=dashed];\n", out);
    }
    fputs("}\n", out);
}

static void print_text(struct rsm_value edges)
{
    char from[512], to[512], type[32];
    struct rsm_walk walk = rsm_walk_begin(edges);
    struct rsm_value edge;
    while (rsm_walk_next(&walk, &edge))
        printf("%s -> %s %s\n", ctl_cell(rsm_value_get(edge, "from"), from, sizeof from),
               ctl_cell(rsm_value_get(edge, "to"), to, sizeof to),
               ctl_cell(rsm_value_get(edge, "type"), type, sizeof type));
}

/* The child's side of print_svg: `dot` with the pipe as its input. */
static void run_dot(int pipe_fd)
{
    if (dup2(pipe_fd, STDIN_FILENO) >= 0)
        execlp("dot", "dot", "-Tsvg", (char *)NULL);
    fputs("resilience-ctl: the program dot is not there: it draws the picture (Debian: graphviz); "
          "--format dot needs nothing\n",
          stderr);
    _exit(127);
}

static int print_svg(struct rsm_value edges)
{
    int ends[2], state = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return ctl_fail(RSM_FAILED, "no pipe to dot");
    pid_t pid = fork();
    if (pid == 0)
        run_dot(ends[0]);
    close(ends[0]);
    FILE *out = fdopen(ends[1], "w");
    if (out != NULL && pid > 0) {
        print_dot(out, edges);
        fclose(out);
    } else {
        close(ends[1]);
    }
    if (pid < 0 || waitpid(pid, &state, 0) != pid)
        return ctl_fail(RSM_FAILED, "dot could not be started");
    return WIFEXITED(state) && WEXITSTATUS(state) == 0 ? 0 : rsm_status_exit(RSM_FAILED);
}

static int print_graph(struct ctl *ctl, struct rsm_value result)
{
    struct rsm_value edges = rsm_value_get(result, "edges");
    const char *format = ctl->format != NULL ? ctl->format : "text";
    int status = 0;
    if (ctl->output != CTL_OUTPUT_TABLE)
        ctl_print_json(result);
    else if (strcmp(format, "text") == 0)
        print_text(edges);
    else if (strcmp(format, "dot") == 0)
        print_dot(stdout, edges);
    else
        status = print_svg(edges);
    if (rsm_value_count(edges) == 0)
        fprintf(stderr, "resilience-ctl: nothing points there, and nothing from there; is the name "
                        "right? resilience-ctl zone list, record list ZONE\n");
    if (rsm_value_bool(rsm_value_get(result, "truncated")))
        fprintf(stderr, "resilience-ctl: there are more edges; ask for a name, or with --limit\n");
    return status;
}

int ctl_graph(struct ctl *ctl, int count, char **arguments)
{
    static const char *const formats[] = {"text", "dot", "svg"};
    struct rsm_buffer result;
    bool is_known = ctl->format == NULL;
    (void)count;
    for (size_t i = 0; i < 3 && !is_known; i++)
        is_known = strcmp(ctl->format, formats[i]) == 0;
    if (!is_known)
        return ctl_fail(RSM_USAGE, "--format is text, dot or svg, not \"%s\"", ctl->format);
    struct rsm_pack *params = rsm_pack_new();
    rsm_pack_array(params, ctl->limit > 0 ? 2 : 1);
    rsm_pack_text(params, arguments[0]);
    if (ctl->limit > 0) {
        rsm_pack_map(params, 1);
        rsm_pack_text(params, "limit");
        rsm_pack_uint(params, ctl->limit);
    }
    enum rsm_status status = ctl_call(ctl, "graph", params, &result);
    rsm_pack_free(params);
    int exit_status = rsm_status_exit(status);
    if (status == RSM_NOT_FOUND)
        ctl_fail(status, "%s", ctl_call_words(ctl));
    if (status == RSM_OK)
        exit_status = print_graph(ctl, rsm_value_of(rsm_buffer_bytes(&result)));
    rsm_buffer_free(&result);
    return exit_status;
}
