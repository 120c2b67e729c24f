/* A plugin for qemu-user 7.2 that counts executed AArch64 instructions, and among them SDOT and UDOT.
   Whenever the program asks kill(…, 0), both counts so far go to qemu's log as one line. With counter=FILE the first one
   is written to the first eight bytes of FILE instead, where clock.c reads it.
   Debian packages no header: what is used of plugin API version 1 is declared here. */

#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define KILL 129 /* the number of this system call on AArch64 */

typedef uint64_t Id;
typedef struct qemu_plugin_tb Block;
typedef struct qemu_plugin_insn Instruction;
typedef void (*OnSyscall)(Id, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                          uint64_t);
enum qemu_plugin_op { ADD_U64 };

extern void qemu_plugin_register_vcpu_tb_trans_cb(Id, void (*)(Id, Block *));
extern void qemu_plugin_register_vcpu_tb_exec_inline(Block *, enum qemu_plugin_op, void *, uint64_t);
extern void qemu_plugin_register_vcpu_syscall_cb(Id, OnSyscall);
extern size_t qemu_plugin_tb_n_insns(const Block *);
extern Instruction *qemu_plugin_tb_get_insn(const Block *, size_t);
extern const void *qemu_plugin_insn_data(const Instruction *);
extern void qemu_plugin_outs(const char *);

int qemu_plugin_version = 1;

static uint64_t executed, dots, *counter;

/* SDOT, UDOT: the vector form, then the form by element (Arm ARM, C7.2); with 16-byte registers 16 MACs each. */
int is_dot(uint32_t word) { return (word & 0x9FE0FC00) == 0x0E809400 || (word & 0x9FC0F400) == 0x0F80E000; }

static void on_translation(Id id, Block *block) {
    size_t count = qemu_plugin_tb_n_insns(block), found = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t word;
        memcpy(&word, qemu_plugin_insn_data(qemu_plugin_tb_get_insn(block, i)), sizeof word);
        found += is_dot(word);
    }
    qemu_plugin_register_vcpu_tb_exec_inline(block, ADD_U64, &executed, count);
    if (found) qemu_plugin_register_vcpu_tb_exec_inline(block, ADD_U64, &dots, found);
}

static void on_syscall(Id id, unsigned cpu, int64_t number, uint64_t pid, uint64_t signal, uint64_t a3, uint64_t a4,
                       uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8) {
    char line[64];
    if (number != KILL || signal != 0) return;
    if (counter) {
        *counter = executed;
        return;
    }
    snprintf(line, sizeof line, "%" PRIu64 " %" PRIu64 "\n", executed, dots);
    qemu_plugin_outs(line);
}

int qemu_plugin_install(Id id, const void *info, int argc, char **argv) {
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "counter=", 8)) continue;
        counter = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, open(argv[i] + 8, O_RDWR), 0);
        if (counter == MAP_FAILED) return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_vcpu_syscall_cb(id, on_syscall);
    return 0;
}
